"""Tests of the check on a machine with a GPU."""
