"""Compares engines behind the model-server with their own servers."""
