"""Builds the container images of the services, and those that a walkthrough needs beside them."""
