"""`kubectl kaito doctor`: whether the cluster is ready for Workspaces, line by line."""
