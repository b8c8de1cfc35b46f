"""The seam to the cluster."""
