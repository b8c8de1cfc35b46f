"""Karpenter's Machines and NodeClaims as one type."""
