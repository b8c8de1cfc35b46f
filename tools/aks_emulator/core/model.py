"""The state of the emulated Azure. Times are Unix seconds.

Field names are part of the journal's format: renaming one makes existing state unreadable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class PoolState(StrEnum):
    """`provisioningState` of an agent pool."""

    CREATING = "Creating"
    UPDATING = "Updating"
    DELETING = "Deleting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class ClusterState(StrEnum):
    """`provisioningState` of the managed cluster."""

    SUCCEEDED = "Succeeded"
    STOPPING = "Stopping"
    STARTING = "Starting"


class Power(StrEnum):
    RUNNING = "Running"
    STOPPED = "Stopped"


class OperationKind(StrEnum):
    """The values are how AKS names an operation in its error messages."""

    CREATE = "create node pool"
    UPDATE = "update node pool"
    DELETE = "delete node pool"
    ABORT = "abort node pool operation"
    STOP = "stop managed cluster"
    START = "start managed cluster"


class OperationStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class MachinePhase(StrEnum):
    """STARTING is recorded before anything is started: such a machine may not exist yet."""

    STARTING = "Starting"
    RUNNING = "Running"


@dataclass(frozen=True, slots=True)
class Failure:
    """How an operation fails: ARM's code and message, and whatever else the error has."""

    code: str
    message: str
    document: Json | None = None

    def json(self) -> Json:
        return {"code": self.code, "message": self.message, **(self.document or {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One long-running operation. `pool` is None for those on the cluster.

    `due_at` is the earliest end; `verdict` is the failure that it will end with, if any. A delete
    that `ignores_budgets` drains no machine before it removes it.
    """

    id: str
    kind: OperationKind
    pool: str | None
    started_at: float
    due_at: float
    verdict: Failure | None = None
    status: OperationStatus = OperationStatus.IN_PROGRESS
    ended_at: float | None = None
    ignores_budgets: bool = False

    @property
    def in_flight(self) -> bool:
        return self.status is OperationStatus.IN_PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One agent pool. `properties` are as AKS returns them, without derived ones (state, etag).

    `operation` is the operation in flight, or the last one. `boots_at` is when the machines start;
    None means never. The machines of an `adopted` pool exist already, so none are started or
    removed.
    """

    name: str
    properties: Json
    state: PoolState
    created_at: float
    revision: int = 1
    operation: str | None = None
    boots_at: float | None = None
    adopted: bool = False

    @property
    def count(self) -> int:
        return int(self.properties["count"])

    @property
    def vm_size(self) -> str:
        return str(self.properties["vmSize"])


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine that exists or may exist, identified by its pool and its index in it."""

    pool: str
    index: int
    phase: MachinePhase


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A line of the book: one machine at one price, in US dollars. Without `until` it goes on."""

    pool: str
    machine: str
    size: str
    spot: bool
    per_hour: float
    since: float
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The managed cluster; `uid` identifies its Kubernetes cluster, empty without one."""

    uid: str = ""
    state: ClusterState = ClusterState.SUCCEEDED
    power: Power = Power.RUNNING
    operation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that survives a restart. The mappings are never modified in place.

    `machines` is keyed by node name; `limits` are the vCPU quotas that were set, by usage name, and
    `prices` those of VM sizes. `book` has all lines, also of machines that are gone.
    """

    cluster: Cluster = field(default_factory=Cluster)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)
    machines: Mapping[str, Machine] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
    book: Mapping[str, Charge] = field(default_factory=dict)

    def with_pool(self, pool: Pool) -> "State":
        return replace(self, pools={**self.pools, pool.name: pool})

    def without_pool(self, name: str) -> "State":
        return replace(self, pools={k: v for k, v in self.pools.items() if k != name})

    def with_operation(self, operation: Operation) -> "State":
        return replace(self, operations={**self.operations, operation.id: operation})

    def with_machine(self, node: str, machine: Machine) -> "State":
        return replace(self, machines={**self.machines, node: machine})

    def without_machine(self, node: str) -> "State":
        return replace(self, machines={k: v for k, v in self.machines.items() if k != node})

    def operation_on(self, pool: Pool) -> Operation | None:
        """The operation in flight on a pool."""
        operation = self.operations.get(pool.operation or "")
        return operation if operation is not None and operation.in_flight else None
