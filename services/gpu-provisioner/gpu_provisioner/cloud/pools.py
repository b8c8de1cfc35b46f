"""Agent pools: the specification that is requested, and the state that the cloud reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gpu_provisioner.cloud.errors import CloudError


class PoolState(StrEnum):
    """AKS's provisioningState. UNKNOWN stands for every value that is not listed here."""

    CREATING = "Creating"
    UPDATING = "Updating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DELETING = "Deleting"
    CANCELED = "Canceled"
    UNKNOWN = "Unknown"

    @property
    def in_flight(self) -> bool:
        """Whether an operation on the pool is in progress. An unknown state (Upgrading,
        Scaling, ...) counts as one, because a pool in it must not be touched."""
        return self is not PoolState.SUCCEEDED and not self.failed

    @property
    def failed(self) -> bool:
        """Whether the last operation on the pool ended without success."""
        return self in (PoolState.FAILED, PoolState.CANCELED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """The agent pool to create for a claim, under the claim's name. AKS chooses whatever is
    empty or None. `spot_max_price` is in US dollars an hour; -1 sets no limit."""

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
    """An agent pool as the cloud reports it. `running` is False for a stopped pool; `error` is
    why the last operation failed. `etag` changes with every change of the pool."""

    name: str
    state: PoolState
    instance_type: str
    count: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    kubernetes_version: str = ""
    running: bool = True
    error: CloudError | None = None
    zones: tuple[str, ...] = ()
    spot: bool = False
    etag: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PoolListing:
    """Every agent pool of the cluster. `requested_at` is when the request was sent: whatever
    happened later may be missing from the response."""

    pools: tuple[Pool, ...]
    requested_at: datetime
