"""A real Kubernetes cluster on one Linux machine: `python -m tools.local_cluster up`."""
