"""What is to be done about a claim: actions in order, the status to show, when to look again."""

from dataclasses import dataclass
from typing import Literal

from gpu_provisioner.cloud import PoolSpec
from kaito_api.conditions import Condition
from kaito_kube.kinds import Manifest


@dataclass(frozen=True, slots=True)
class AddFinalizer:
    """Before anything exists that could be leaked."""


@dataclass(frozen=True, slots=True)
class CreatePool:
    spec: PoolSpec


@dataclass(frozen=True, slots=True)
class DeletePool:
    name: str


@dataclass(frozen=True, slots=True)
class PatchNode:
    name: str
    patch: Manifest


@dataclass(frozen=True, slots=True)
class EvictPod:
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class DeleteClaim:
    """Liveness gives a claim up: whoever made it makes another."""


@dataclass(frozen=True, slots=True)
class Release:
    """Once the cloud itself says that the pool is gone: the Node object goes, then the
    finalizer."""

    pool: str
    node: str | None


@dataclass(frozen=True, slots=True)
class Tell:
    """An event on the claim."""

    type: Literal["Normal", "Warning"]
    reason: str
    note: str


Action = (
    AddFinalizer | CreatePool | DeletePool | PatchNode | EvictPod | DeleteClaim | Release | Tell
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step's share: its condition, what it wants done, and whether the next step's turn
    has come."""

    condition: Condition | None = None
    actions: tuple[Action, ...] = ()
    look_again: float | None = None
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`status` None leaves the claim's status as it is; `look_again` is in seconds."""

    actions: tuple[Action, ...] = ()
    status: Manifest | None = None
    look_again: float | None = None
