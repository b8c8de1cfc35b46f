"""The adapter as a container image, and the registry that it is pushed to."""
