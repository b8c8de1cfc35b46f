"""`kubectl kaito status`: how far Workspaces are, and what they cost."""
