"""Turns Machines and NodeClaims into AKS agent pools of one node, and deletes them again. Knows
nothing about Workspaces."""
