"""One fine-tuning run: fetch the data, train an adapter, push it as a container image."""

# Before any module imports grpc, which reads its settings then.
import kaito_grpc as kaito_grpc
