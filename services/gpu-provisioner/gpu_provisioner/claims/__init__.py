"""Karpenter's Machines and NodeClaims in one form."""
