"""Reads pods."""
