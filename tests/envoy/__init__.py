"""A real Envoy in front of model pods, with the front door's endpoint picker."""
