"""Turns Machines and NodeClaims into AKS agent pools of one node, and back. Knows no Workspace."""
