"""The address of one Workspace's model-server. A plain value; opens no connection."""

import re
from dataclasses import dataclass

# A name or an IPv4 address, or an IPv6 address in brackets, and a port.
_TARGET = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
_MAX_PORT = 65_535


def is_target(text: str) -> bool:
    """Whether gRPC can connect to it. It would try without end to resolve anything else."""
    found = _TARGET.fullmatch(text)
    return found is not None and int(found[2]) <= _MAX_PORT


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
