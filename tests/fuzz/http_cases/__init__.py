"""Random HTTP requests by schemathesis, and what it does not know about this API."""
