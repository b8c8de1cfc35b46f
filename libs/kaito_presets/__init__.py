"""The models that a Workspace may name, as data, and the arithmetic that fits them to GPUs."""
