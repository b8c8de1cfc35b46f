"""A `CloudProvider` that lets only the leader change anything; see kaito_kube/fenced_cluster.py."""

from dataclasses import dataclass

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from gpu_provisioner.cloud.provider import CloudProvider
from kaito_kube.leader_election import Leadership


@dataclass(frozen=True, slots=True)
class FencedCloud:
    cloud: CloudProvider
    leadership: Leadership

    async def create(self, spec: PoolSpec) -> Pool:
        self.leadership.check()
        return await self.cloud.create(spec)

    async def get(self, name: str) -> Pool:
        return await self.cloud.get(name)

    async def list(self) -> PoolListing:
        return await self.cloud.list()

    async def add_marks(self, pool: Pool, marks: Marks) -> Pool:
        self.leadership.check()
        return await self.cloud.add_marks(pool, marks)

    async def delete(self, name: str, *, ignore_budgets: bool = False, etag: str = "") -> None:
        self.leadership.check()
        await self.cloud.delete(name, ignore_budgets=ignore_budgets, etag=etag)

    async def cluster(self) -> ClusterState:
        return await self.cloud.cluster()

    async def newest_image(self, name: str) -> str:
        return await self.cloud.newest_image(name)

    async def availability(self) -> Availability:
        return await self.cloud.availability()
