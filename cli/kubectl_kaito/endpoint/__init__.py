"""`kubectl kaito endpoint`: where a model answers."""
