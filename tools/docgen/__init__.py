"""Generates docs/reference from the types, the data and the charts. Tests check it is current."""
