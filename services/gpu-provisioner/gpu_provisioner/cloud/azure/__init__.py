"""AKS as a `CloudProvider`, over the unmodified Azure SDKs."""
