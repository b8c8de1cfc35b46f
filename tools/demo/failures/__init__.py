"""Failure scenarios on the local cluster: what the user reads, and how the Workspace recovers."""
