"""Rows of a dataset, the records that they become, and those that are lost."""
