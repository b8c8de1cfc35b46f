"""Agent pools: what is asked for, and what the cloud tells of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gpu_provisioner.cloud.errors import CloudError


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
    error: CloudError | None = None
    zones: tuple[str, ...] = ()
    spot: bool = False


@dataclass(frozen=True, slots=True)
class PoolListing:
    """All pools of the cluster, and when the answer was asked for."""

    pools: tuple[Pool, ...]
    asked: datetime
