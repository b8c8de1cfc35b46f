"""Random gRPC calls from descriptors: what to send, how to send it, and what may come back."""
