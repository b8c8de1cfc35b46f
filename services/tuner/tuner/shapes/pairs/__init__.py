"""Rows of a prompt and its answer: their columns, context and labels."""
