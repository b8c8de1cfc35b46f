"""Brings a file of the user's machine into a volume of the cluster, whole or not at all."""
