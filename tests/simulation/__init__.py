"""The real controllers with a simulated API server, cloud and clock. A seed determines a run."""
