"""API keys of the front door: their format, and what the holder of one may do. Pure."""
