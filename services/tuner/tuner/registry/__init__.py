"""The adapter as a container image, and the registry that takes it."""
