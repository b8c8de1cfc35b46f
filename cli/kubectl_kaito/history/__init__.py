"""`kubectl kaito history`: the configurations that a Workspace was served with."""
