"""Tokens and text: what a token stands for, and text as it arrives."""
