"""Makes the cluster match each Workspace: nodes, tuning, inference, status."""
