"""Asks the Hugging Face hub, or a mirror of it, about models that no preset describes."""
