"""The seam to the cloud: agent pools of one node, and errors that carry a condition's reason.

CloudError(reason, message, retry_after)
├── PoolNotFound     the pool does not exist (any more)
├── PoolBusy         another operation on the pool or the cluster is in flight
├── Queued           not sent yet: calls are paced, and others are before it
├── LaunchRefused    the cloud will not make this pool: quota, SKU, capacity, bad request
├── Unauthorized     the identity may not
└── CloudUnavailable no answer, throttled, or an error of the cloud's own
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class PoolState(StrEnum):
    """AKS's provisioningState, and UNKNOWN for one that is not known here."""

    CREATING = "Creating"
    UPDATING = "Updating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DELETING = "Deleting"
    CANCELED = "Canceled"
    UNKNOWN = "Unknown"

    @property
    def in_flight(self) -> bool:
        """Whether an operation on the pool is under way; of a state that is not known (Upgrading,
        Scaling, ...) that is assumed."""
        return self is not PoolState.SUCCEEDED and not self.failed

    @property
    def failed(self) -> bool:
        """Whether the last operation on the pool ended without what it was to bring about."""
        return self in (PoolState.FAILED, PoolState.CANCELED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """The agent pool that a claim asks for; its name is the claim's. What is empty or None is
    left to AKS. `spot_max_price` is in US dollars an hour, -1 without a limit."""

    name: str
    instance_type: str
    os_disk_gib: int | None
    os_sku: str
    labels: Mapping[str, str]
    taints: tuple[str, ...]
    tags: Mapping[str, str]
    zones: tuple[str, ...] = ()
    spot: bool = False
    spot_max_price: float = -1.0
    os_disk_type: str = ""
    gpu_driver: str = ""
    gpu_instance_profile: str = ""
    subnet_id: str = ""
    proximity_placement_group_id: str = ""
    max_pods: int | None = None
    encryption_at_host: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """An agent pool as the cloud tells of it. `running` is False for one that was stopped."""

    name: str
    state: PoolState
    instance_type: str
    count: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    kubernetes_version: str = ""
    running: bool = True
    error: "CloudError | None" = None
    zones: tuple[str, ...] = ()
    spot: bool = False


@dataclass(frozen=True, slots=True)
class PoolListing:
    """All pools of the cluster, and when the answer was asked for."""

    pools: tuple[Pool, ...]
    asked: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """The AKS cluster that the pools belong to. With `settled` False it is being started,
    stopped or made: what is missing then may come back, and nothing is judged by it."""

    running: bool
    settled: bool
    kubernetes_version: str

    @property
    def steady(self) -> bool:
        """Whether what is seen of pools and nodes can be taken at its word."""
        return self.running and self.settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A machine type as it is sold to this subscription in this region. `zones` are those in
    which it may be had ("1", "2", ...), empty where the region has none; `withheld` says why it
    may not be had at all, and is empty where it may. `memory_gib` and `gpus` are None, `arch` is
    empty, where the cloud does not tell."""

    instance_type: str
    family: str
    vcpus: int
    zones: frozenset[str] = frozenset()
    zones_withheld: frozenset[str] = frozenset()
    withheld: str = ""
    memory_gib: float | None = None
    gpus: int | None = None
    arch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """vCPUs of one family, of the region ("cores") or of spot ("lowPriorityCores"). The counter of
    a family is named as the family."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What may be bought: offers by machine type, in lower case, and quotas by name, in lower
    case. A type or a quota that is not there is not known, which forbids nothing. `trouble` is
    why the subscription itself may buy nothing, empty where it may."""

    offers: Mapping[str, Offer]
    quotas: Mapping[str, Quota]
    asked: datetime
    trouble: str = ""


REGIONAL_QUOTA = "cores"
SPOT_QUOTA = "lowprioritycores"


def quota_names(family: str, *, spot: bool) -> tuple[str, ...]:
    """The quotas that a machine counts in, in lower case; the narrowest first. Spot machines
    count in no family."""
    if spot:
        return (SPOT_QUOTA,)
    return (family.lower(), REGIONAL_QUOTA) if family else (REGIONAL_QUOTA,)


class CloudError(Exception):
    """`reason` is of kaito_api.reasons; `retry_after` is in seconds where the cloud named it."""

    def __init__(self, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class PoolNotFound(CloudError):
    def __init__(self, name: str) -> None:
        super().__init__("LaunchFailed", f"agent pool {name} does not exist")


class PoolBusy(CloudError):
    """`elsewhere`: what is in flight is not on this pool itself, so every other has to wait too."""

    def __init__(
        self,
        reason: str,
        message: str,
        retry_after: float | None = None,
        *,
        elsewhere: bool = False,
    ) -> None:
        super().__init__(reason, message, retry_after)
        self.elsewhere = elsewhere


class Queued(CloudError):
    pass


class LaunchRefused(CloudError):
    pass


class Unauthorized(CloudError):
    pass


class CloudUnavailable(CloudError):
    pass


class CloudProvider(Protocol):
    """Every method raises CloudError and nothing else of the outside's; none waits for an
    operation to end: the pool's own state tells how far it is, also after a restart."""

    async def create(self, spec: PoolSpec) -> Pool:
        """Begins to make the pool; the same spec again changes nothing."""
        ...

    async def get(self, name: str) -> Pool:
        """The pool now. Raises PoolNotFound."""
        ...

    async def list(self) -> PoolListing:
        """Every pool of the cluster, ours or not; whole or an error, never a part."""
        ...

    async def delete(self, name: str) -> None:
        """Begins to delete the pool and its machines; one that is gone already is fine."""
        ...

    async def cluster(self) -> ClusterState:
        """The cluster that the pools belong to."""
        ...

    async def newest_image(self, name: str) -> str:
        """The newest node image for that pool; empty where the cloud names none. Raises
        PoolNotFound."""
        ...

    async def market(self) -> Market:
        """What this subscription may buy in this region now; whole or an error."""
        ...
