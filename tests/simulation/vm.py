"""What is true of a machine, whoever knows it."""

from dataclasses import dataclass
from enum import Enum


class Ill(Enum):
    """Why its Node is not Ready though the machine had joined."""

    FLAPPING = "flapping"
    BROKEN = "broken"
    POWER = "power"


@dataclass(eq=False, slots=True)
class Vm:
    """`ready_at` is when its Node is (or was first) Ready, None for never; `node` is the Node's
    name. `ready_since` and `ill_since` are of the moment."""

    pool: str
    claim: str
    node: str
    instance_type: str
    gpus: int
    labels: dict[str, str]
    taints: tuple[str, ...]
    ready_at: float | None = None
    ready_since: float | None = None
    ill: Ill | None = None
    ill_since: float | None = None
    has_gpus: bool = False
    gone: bool = False
    node_removed: bool = False

    @property
    def is_ready(self) -> bool:
        return self.ready_since is not None and not self.gone

    @property
    def joined(self) -> bool:
        return self.ready_since is not None or self.ill is not None
