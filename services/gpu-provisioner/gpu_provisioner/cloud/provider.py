"""The seam to the cloud: agent pools of one node."""

from typing import Protocol

from gpu_provisioner.cloud.availability import Market
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec


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
