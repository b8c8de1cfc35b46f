"""What to do about a claim: actions in order, the status to write, and when to reconcile again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gpu_provisioner.cloud.pools import PoolSpec
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest


@dataclass(frozen=True, slots=True)
class AddFinalizer:
    """Must come before the first action that creates something which could leak."""


@dataclass(frozen=True, slots=True)
class CreatePool:
    spec: PoolSpec


@dataclass(frozen=True, slots=True)
class DeletePool:
    name: str


@dataclass(frozen=True, slots=True)
class DeleteFailedPool:
    """Deletes a pool whose machine never joined, if the cloud and the API server confirm that."""

    name: str


@dataclass(frozen=True, slots=True)
class ConfirmPoolGone:
    """Asks the cloud for the pool itself. If it exists, the pass ends."""

    pool: str


@dataclass(frozen=True, slots=True)
class RepairMarks:
    """Puts the tags and node labels back that the pool has lost. A failure does not end the
    pass."""

    pool: str


@dataclass(frozen=True, slots=True)
class RefreshClusterState:
    """Asks the cloud for the state of the cluster, which the next pass decides with."""


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
    """Deletes the pod regardless of disruption budgets, with that grace period."""

    namespace: str
    name: str
    grace_seconds: int


@dataclass(frozen=True, slots=True)
class RemoveFinalizer:
    """Deletes the Nodes, then removes the finalizer. The cloud must have confirmed that the pool
    is gone."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Records an event on the claim."""

    type: Literal["Normal", "Warning"]
    reason: Reason
    note: str


Action = (
    AddFinalizer
    | CreatePool
    | DeletePool
    | DeleteFailedPool
    | ConfirmPoolGone
    | RepairMarks
    | RefreshClusterState
    | PatchNode
    | EvictPod
    | DeletePod
    | RemoveFinalizer
    | EmitEvent
)


class DisruptionReason(StrEnum):
    """Why the provisioner deletes a claim itself, as Karpenter's metrics name it. Whatever created
    the claim creates another."""

    LIVENESS = "liveness"
    EXPIRED = "expired"
    UNHEALTHY = "unhealthy"
    GARBAGE = "garbage_collected"


@dataclass(frozen=True, slots=True)
class StageResult:
    """The result of one stage of the lifecycle: its condition, its actions, and whether the next
    stage may run (`done`). With `disruption` the claim is deleted."""

    condition: Condition | None = None
    actions: tuple[Action, ...] = ()
    requeue_after_seconds: float | None = None
    done: bool = False
    disruption: DisruptionReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A `status` of None leaves the claim's status unchanged. With `disruption` the claim is
    deleted last, after its status shows why."""

    actions: tuple[Action, ...] = ()
    status: Manifest | None = None
    requeue_after_seconds: float | None = None
    disruption: DisruptionReason | None = None
