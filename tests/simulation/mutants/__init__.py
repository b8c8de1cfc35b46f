"""Bugs put in on purpose, one at a time: the simulation has to find each of them."""
