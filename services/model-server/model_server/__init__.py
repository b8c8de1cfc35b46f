"""Serves one language model and its adapters over kaito.inference.v1.InferenceService."""

# Before any module imports grpc, which reads its settings then.
import kaito_grpc as kaito_grpc
