"""Makes the cluster match each Workspace: nodes, tuning, inference, status."""

# Before any module imports grpc, which reads its settings then.
import kaito_grpc as kaito_grpc
