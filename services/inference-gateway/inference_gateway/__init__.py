"""HTTP in front of kaito.inference.v1.InferenceService."""

# Before any module imports grpc, which reads its settings then.
import kaito_grpc as kaito_grpc
