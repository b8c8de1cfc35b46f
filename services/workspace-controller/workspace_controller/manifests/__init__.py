"""The manifests of the objects that a Workspace owns."""
