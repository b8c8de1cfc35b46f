"""Adapters that are pulled from container registries while the server runs."""
