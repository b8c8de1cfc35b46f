"""Generates docs/reference from the types, the data and the charts. A test compares."""
