"""Reads images from container registries, and knows how they authenticate."""
