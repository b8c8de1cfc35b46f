"""The workload and the Service that serve a model."""
