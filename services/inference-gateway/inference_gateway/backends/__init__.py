"""The seam to model-servers, its gRPC implementation and its fake."""
