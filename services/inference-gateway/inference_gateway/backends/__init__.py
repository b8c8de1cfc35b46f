"""The connection to a model-server: its interface, the gRPC implementation, and a fake."""
