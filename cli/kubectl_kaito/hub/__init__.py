"""Reads models of the Hugging Face hub, before a Workspace of one is applied."""
