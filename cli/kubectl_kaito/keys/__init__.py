"""API keys of the front door."""
