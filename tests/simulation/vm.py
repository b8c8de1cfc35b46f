"""The true state of a machine."""

from dataclasses import dataclass
from enum import Enum


class NotReadyCause(Enum):
    """Why the Node of a machine that has joined is not Ready."""

    FLAPPING = "flapping"
    BROKEN = "broken"
    POWER = "power"


@dataclass(eq=False, slots=True)
class Vm:
    """`ready_at` is when its Node is (or was first) Ready, None for never; `node` is the Node's
    name, and `zone` AKS's name of its zone, empty outside of zones. `ready_since` and
    `not_ready_since` describe the current state."""

    pool: str
    claim: str
    node: str
    instance_type: str
    gpus: int
    labels: dict[str, str]
    taints: tuple[str, ...]
    ready_at: float | None = None
    ready_since: float | None = None
    not_ready_cause: NotReadyCause | None = None
    not_ready_since: float | None = None
    has_gpus: bool = False
    zone: str = ""
    spot: bool = False
    gone: bool = False
    node_removed: bool = False
    node_removed_since: float = 0.0

    @property
    def is_ready(self) -> bool:
        return self.ready_since is not None and not self.gone

    @property
    def joined(self) -> bool:
        return self.ready_since is not None or self.not_ready_cause is not None
