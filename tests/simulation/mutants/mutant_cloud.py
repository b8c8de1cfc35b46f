"""A `CloudProvider` that overrides some calls of another one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from gpu_provisioner.cloud.provider import CloudProvider


@dataclass(frozen=True, slots=True)
class CallOverrides:
    """How each call is forwarded; the defaults are correct."""

    create: Callable[[CloudProvider, PoolSpec], Awaitable[Pool]] = lambda c, spec: c.create(spec)
    get: Callable[[CloudProvider, str], Awaitable[Pool]] = lambda c, name: c.get(name)
    list: Callable[[CloudProvider], Awaitable[PoolListing]] = lambda c: c.list()
    delete: Callable[[CloudProvider, str], Awaitable[None]] = lambda c, name: c.delete(name)
    cluster: Callable[[CloudProvider], Awaitable[ClusterState]] = lambda c: c.cluster()


@dataclass(frozen=True, slots=True)
class MutantCloud:
    cloud: CloudProvider
    overrides: CallOverrides

    async def create(self, spec: PoolSpec) -> Pool:
        return await self.overrides.create(self.cloud, spec)

    async def get(self, name: str) -> Pool:
        return await self.overrides.get(self.cloud, name)

    async def list(self) -> PoolListing:
        return await self.overrides.list(self.cloud)

    async def add_marks(self, pool: Pool, marks: Marks) -> Pool:
        return await self.cloud.add_marks(pool, marks)

    async def delete(self, name: str, *, ignore_budgets: bool = False, etag: str = "") -> None:
        await self.overrides.delete(self.cloud, name)

    async def cluster(self) -> ClusterState:
        return await self.overrides.cluster(self.cloud)

    async def newest_image(self, name: str) -> str:
        return await self.cloud.newest_image(name)

    async def availability(self) -> Availability:
        return await self.cloud.availability()
