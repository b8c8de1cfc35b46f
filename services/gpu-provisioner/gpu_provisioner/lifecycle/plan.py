"""What is to be done about a claim: actions in order, the status to show, when to look again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gpu_provisioner.cloud.pools import PoolSpec
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason
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
class DiscardPool:
    """Deletes a pool that never worked, if cloud and API server, asked once more, still say so."""

    name: str


@dataclass(frozen=True, slots=True)
class ConfirmGone:
    """Asks the cloud itself for the pool; what is found there ends the pass."""

    pool: str


@dataclass(frozen=True, slots=True)
class AskCluster:
    """Whether the cluster is steady has to be known freshly before the next pass judges."""


@dataclass(frozen=True, slots=True)
class PatchNode:
    name: str
    patch: Manifest


@dataclass(frozen=True, slots=True)
class EvictPod:
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Past any disruption budget, so that it has that many seconds to end."""

    namespace: str
    name: str
    grace_seconds: int


@dataclass(frozen=True, slots=True)
class Release:
    """Once the cloud itself says that the pool is gone: the Node objects go, then the
    finalizer."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tell:
    """An event on the claim."""

    type: Literal["Normal", "Warning"]
    reason: Reason
    note: str


Action = (
    AddFinalizer
    | CreatePool
    | DeletePool
    | DiscardPool
    | ConfirmGone
    | AskCluster
    | PatchNode
    | EvictPod
    | DeletePod
    | Release
    | Tell
)


class GivesUp(StrEnum):
    """Why a claim is deleted by its provisioner, in Karpenter's words for metrics. Whoever made
    it makes another."""

    LIVENESS = "liveness"
    EXPIRED = "expired"
    UNHEALTHY = "unhealthy"
    GARBAGE = "garbage_collected"


@dataclass(frozen=True, slots=True)
class Step:
    """One step's share: its condition, what it wants done, whether the next step's turn has
    come, and whether the claim is given up."""

    condition: Condition | None = None
    actions: tuple[Action, ...] = ()
    look_again: float | None = None
    done: bool = False
    gives_up: GivesUp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`status` None leaves the claim's status as it is; `look_again` is in seconds. With
    `gives_up` the claim is deleted last, when its status says why."""

    actions: tuple[Action, ...] = ()
    status: Manifest | None = None
    look_again: float | None = None
    gives_up: GivesUp | None = None
