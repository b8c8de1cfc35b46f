"""Builds `kubectl kaito` for users: a wheel, and one file for a machine with nothing but Python."""
