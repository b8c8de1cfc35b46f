"""The protocol that every cloud implements: agent pools of one node."""

from typing import Protocol

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec


class CloudProvider(Protocol):
    """Every method raises `CloudError` and no other error of the outside world. None waits for
    an operation to finish: the pool's own state reports the progress, also after a restart."""

    async def create(self, spec: PoolSpec) -> Pool:
        """Start to create the pool.

        Raises:
            PoolExists: there is a pool of that name, whoever created it.
        """
        ...

    async def add_marks(self, pool: Pool, marks: Marks) -> Pool:
        """Add tags and node labels to the pool, and change nothing else.

        Raises:
            PoolBusy: the pool is being changed, or has changed since `pool` was read.
        """
        ...

    async def get(self, name: str) -> Pool:
        """Return the pool as it is now.

        Raises:
            PoolNotFound: the pool does not exist.
        """
        ...

    async def list(self) -> PoolListing:
        """Return every pool of the cluster, managed or not. The listing is complete or an
        error, never partial: a missing pool would look deleted."""
        ...

    async def delete(self, name: str, *, ignore_budgets: bool = False, etag: str = "") -> None:
        """Start to delete the pool and its machines. A pool that does not exist is no error.

        The cloud drains the machines, and with `ignore_budgets` regardless of disruption budgets.

        Raises:
            PoolBusy: the pool is being changed, or has another etag than the given one.
        """
        ...

    async def cluster(self) -> ClusterState:
        """Return the state of the cluster that the pools belong to."""
        ...

    async def newest_image(self, name: str) -> str:
        """Return the newest node image for that pool, empty where the cloud names none.

        Raises:
            PoolNotFound: the pool does not exist.
        """
        ...

    async def availability(self) -> Availability:
        """Return what this subscription can create in this region now, complete or an error."""
        ...
