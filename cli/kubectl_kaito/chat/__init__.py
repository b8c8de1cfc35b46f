"""`kubectl kaito chat`: talks to a served model through the API server, without a port-forward."""
