"""The cloud seam over AKS, with the unmodified Azure SDKs."""
