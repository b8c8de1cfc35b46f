"""The AKS agent pool that a claim becomes, and whose pool it is."""
