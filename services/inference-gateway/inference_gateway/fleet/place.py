"""Where a model is served: one workspace's model-server. A value; opens no connection."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """`model` is the preset; `address` is host:port of the gRPC port."""

    namespace: str
    workspace: str
    model: str
    address: str

    @property
    def label(self) -> str:
        """namespace/workspace, or the address where the workspace is not known."""
        return f"{self.namespace}/{self.workspace}" if self.workspace else self.address
