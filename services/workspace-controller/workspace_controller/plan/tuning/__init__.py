"""The tuning run of a Workspace."""
