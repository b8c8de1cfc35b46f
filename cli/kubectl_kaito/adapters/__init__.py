"""`kubectl kaito adapters`: the adapters that a Workspace serves, changed while it runs."""
