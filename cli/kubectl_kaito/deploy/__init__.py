"""`kubectl kaito deploy` and `tune`: writes a Workspace for a model, applies it, and follows it."""
