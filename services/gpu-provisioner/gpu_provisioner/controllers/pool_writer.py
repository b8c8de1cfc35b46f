"""Carries out what is decided about agent pools, and tells the view of them at once."""

import logging
from dataclasses import dataclass, replace

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import PoolBusy, PoolNotFound
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.lifecycle.nodes import nodes_of
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.state.pool_cache import PoolView
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.kinds import NODE

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PoolWriter:
    cloud: CloudProvider
    cluster: Cluster
    pools: PoolView
    clock: Clock
    metrics: Metrics

    async def create(self, spec: PoolSpec) -> None:
        asked = self.clock.now()
        self.pools.note(await self.cloud.create(spec), asked)
        logger.info("asked for agent pool %s of %s", spec.name, spec.instance_type)
        self.metrics.pool_created(spec.instance_type)

    async def delete(self, name: str) -> None:
        asked = self.clock.now()
        await self.cloud.delete(name)
        logger.info("asked for the deletion of agent pool %s", name)
        self.metrics.pool_deleted()
        if (pool := self.pools.get(name)) is not None:
            self.pools.note(replace(pool, state=PoolState.DELETING), asked)

    async def discard(self, claim: Claim, name: str) -> None:
        """Asks cloud and API server once more: its machine may have joined this very moment."""
        pool = await self._look(name)
        if pool is None:
            return
        if not pool.state.failed or not ownership.belongs_to(pool, claim):
            return
        nodes = await self.cluster.list(NODE, labels={labels.AGENT_POOL: name})
        if nodes_of(claim, pool, nodes.items):
            logger.info("a machine of agent pool %s has joined after all", name)
            return
        await self.delete(name)

    async def confirm_gone(self, claim: Claim, name: str) -> None:
        """Asks the cloud itself: a listing may be wrong, and a create may have taken effect
        unseen. Raises PoolBusy where the claim's pool is still there."""
        pool = await self._look(name)
        if pool is not None and ownership.belongs_to(pool, claim):
            raise PoolBusy(Reason.INSTANCE_TERMINATING, f"agent pool {name} is still there", 1.0)

    async def _look(self, name: str) -> Pool | None:
        asked = self.clock.now()
        try:
            pool = await self.cloud.get(name)
        except PoolNotFound:
            self.pools.note_gone(name, asked)
            return None
        self.pools.note(pool, asked)
        return pool
