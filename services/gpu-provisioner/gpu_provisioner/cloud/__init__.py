"""The seam to the cloud: the `CloudProvider` protocol, its values and errors, implementations."""
