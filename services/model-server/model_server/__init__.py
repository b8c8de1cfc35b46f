"""Serves one language model and its adapters over kaito.inference.v1.InferenceService."""
