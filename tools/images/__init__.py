"""Builds the container images of the services and of the walkthrough."""
