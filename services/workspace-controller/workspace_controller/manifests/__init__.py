"""The objects that a Workspace is made of, as manifests. Pure."""
