"""Requests that the engine's own HTTP server answers, unmodified."""
