"""This machine: what it offers, what it lacks, and what the cluster changes on it."""
