"""HTTP in front of kaito.inference.v1.InferenceService."""
