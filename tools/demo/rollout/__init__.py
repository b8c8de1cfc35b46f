"""A rolling update of models and front door under load, and what its clients notice."""
