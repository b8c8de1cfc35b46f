"""Which engine serves a model, and how it is started."""
