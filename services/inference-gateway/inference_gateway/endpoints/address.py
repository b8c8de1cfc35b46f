"""The address of one Workspace's model-server. A plain value; opens no connection."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class EndpointAddress:
    """`model` is the preset; `target` is host:port of the model-server's gRPC port."""

    namespace: str
    workspace: str
    model: str
    target: str

    @property
    def label(self) -> str:
        """namespace/workspace, or the target if the Workspace is unknown."""
        return f"{self.namespace}/{self.workspace}" if self.workspace else self.target
