"""The shapes in which people keep training data, and what each teaches. Needs no library."""
