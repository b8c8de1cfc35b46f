"""Creates and deletes agent pools, and records the responses in the cache at once."""

import logging
from dataclasses import dataclass, replace

from gpu_provisioner.agent_pools import marks, ownership
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import PoolBusy, PoolExists, PoolNotFound
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.lifecycle.liveness import may_delete_failed
from gpu_provisioner.lifecycle.nodes import nodes_of
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.state.pool_cache import AgentPoolCache
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.kinds import NODE

logger = logging.getLogger(__name__)

# The pool was just read, so the next pass can decide at once.
_READ_SECONDS = 1.0


@dataclass(slots=True)
class PoolWriter:
    cloud: CloudProvider
    cluster: Cluster
    pools: AgentPoolCache
    clock: Clock
    metrics: Metrics

    async def create(self, spec: PoolSpec) -> None:
        """Create the pool. If there is one of that name, read it: the next pass decides whose
        it is.

        Raises:
            PoolBusy: there is a pool of that name.
        """
        requested_at = self.clock.now()
        try:
            pool = await self.cloud.create(spec)
        except PoolExists as error:
            await self._get(spec.name)
            raise PoolBusy(Reason.CLOUD_UNAVAILABLE, error.message, _READ_SECONDS) from error
        self.pools.record(pool, requested_at)
        logger.info("creating agent pool %s of %s", spec.name, spec.instance_type)
        self.metrics.pool_created(spec.instance_type)

    async def repair_marks(self, observed: Observed, name: str, cluster_name: str) -> None:
        """Put back the marks that the claim's pool lacks when it is read again."""
        pool, claim = await self._get(name), observed.claim
        if pool is None or not ownership.belongs_to(pool, claim, observed.nodes):
            return
        requested_at = self.clock.now()
        if lost := marks.lost_marks(pool, claim, cluster_name):
            self.pools.record(await self.cloud.add_marks(pool, lost), requested_at)
            logger.info("agent pool %s gets the %s back", name, lost)

    async def delete(self, name: str, etag: str = "") -> None:
        """Delete the pool. Its node was drained, or never ran a pod, so AKS need not wait for
        disruption budgets again."""
        requested_at = self.clock.now()
        await self.cloud.delete(name, ignore_budgets=True, etag=etag)
        logger.info("deleting agent pool %s", name)
        self.metrics.pool_deleted()
        if (pool := self.pools.get(name)) is not None:
            self.pools.record(replace(pool, state=PoolState.DELETING), requested_at)

    async def delete_failed(self, claim: Claim, name: str) -> None:
        """Delete the failed pool after reading it and its Nodes again: its machine may have
        joined in this very moment."""
        pool = await self._get(name)
        if pool is None or not may_delete_failed(pool, claim):
            return
        nodes = await self.cluster.list(NODE, labels={labels.AGENT_POOL: name})
        if nodes_of(claim, pool, nodes.items):
            logger.info("a machine of the failed agent pool %s has joined", name)
            return
        await self.delete(name, pool.etag)

    async def confirm_gone(self, claim: Claim, name: str) -> None:
        """Ask the cloud for the pool itself: a listing may be wrong, and a create whose response
        was lost may have taken effect.

        Raises:
            PoolBusy: the pool exists, and is the claim's or may be.
        """
        pool = await self._get(name)
        if pool is not None and ownership.may_belong_to(pool, claim):
            message = f"agent pool {name} still exists"
            raise PoolBusy(Reason.INSTANCE_TERMINATING, message, _READ_SECONDS)

    async def _get(self, name: str) -> Pool | None:
        requested_at = self.clock.now()
        try:
            pool = await self.cloud.get(name)
        except PoolNotFound:
            self.pools.record_gone(name, requested_at)
            return None
        self.pools.record(pool, requested_at)
        return pool
