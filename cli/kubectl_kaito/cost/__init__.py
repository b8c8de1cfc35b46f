"""`kubectl kaito cost`: what the nodes of Workspaces have cost and cost an hour."""
