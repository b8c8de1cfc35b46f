"""Checks the engines and the tuner on a machine with a GPU."""
