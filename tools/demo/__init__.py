"""The documentation's walkthrough, run and checked on a real cluster: `make demo`."""
