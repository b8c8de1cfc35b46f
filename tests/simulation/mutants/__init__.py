"""Bugs introduced on purpose, one at a time. The simulation must find each of them."""
