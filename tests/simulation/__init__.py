"""The real gpu-provisioner over a simulated API server, cloud and clock: every run from one seed."""
