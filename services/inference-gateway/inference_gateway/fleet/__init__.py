"""Which model-servers there are, which of them can answer, and who gets the next request."""
