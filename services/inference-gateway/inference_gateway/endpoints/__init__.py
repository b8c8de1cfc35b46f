"""The model-servers behind this gateway: their addresses, health, load, and request routing."""
