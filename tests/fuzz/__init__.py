"""Fuzzers of everything that a client can reach: gRPC from the contract's descriptors, and HTTP
from the gateway's OpenAPI document. Each runs against real processes over a real model."""
