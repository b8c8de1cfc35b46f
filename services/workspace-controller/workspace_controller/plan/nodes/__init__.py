"""Nodes: which a Workspace uses, which it requests, and what its status reports about them."""
