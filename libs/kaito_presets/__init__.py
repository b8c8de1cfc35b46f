"""Presets: the models that a Workspace can name, as data, and the estimate of GPUs they need."""
