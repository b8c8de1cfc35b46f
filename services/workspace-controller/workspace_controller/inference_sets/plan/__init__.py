"""Decisions about InferenceSets. Pure."""
