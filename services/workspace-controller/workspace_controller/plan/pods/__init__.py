"""Pods: how far they are, and what is wrong with them."""
