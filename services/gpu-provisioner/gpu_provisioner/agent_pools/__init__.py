"""The AKS agent pool of a claim: its parameters, and which claim a pool belongs to."""
