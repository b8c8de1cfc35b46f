"""The gRPC services of kaito.inference.v1: their messages, their server, and their errors."""
