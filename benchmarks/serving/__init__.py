"""Compares the transformers engine with transformers' own server."""
