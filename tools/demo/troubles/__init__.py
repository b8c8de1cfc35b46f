"""Kinds of trouble, provoked on the local cluster: what the user then reads, and how it ends."""
