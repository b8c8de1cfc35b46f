"""The real gpu-provisioner over a simulated API server, cloud and clock: a run from a seed."""
