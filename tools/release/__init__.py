"""Builds everything that a release consists of, and checks that a cluster runs from it."""
