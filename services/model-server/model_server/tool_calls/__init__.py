"""Reads the calls of tools, and the reasoning, that a model writes into its answer. Pure."""
