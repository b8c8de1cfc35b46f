"""Compares the tuner's defaults with TRL, as upstream configures it and at its best."""
