"""Garbage collection: reads the lists, lets `lifecycle.garbage_collection` decide, and reads each
orphan again before it deletes it."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.claims.claim import CLAIM_KINDS
from gpu_provisioner.cloud.errors import PoolNotFound
from gpu_provisioner.cloud.pools import PoolListing
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.lifecycle import garbage_collection
from gpu_provisioner.lifecycle.garbage_collection import Snapshot
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.settings import Timeouts
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import NODE, Kind, Manifest

logger = logging.getLogger(__name__)

# Something delayed this process since an older listing, and pools and claims may have changed.
_LISTING_MAX_AGE = timedelta(seconds=30)


@dataclass
class GarbageCollector:
    """Remembers the suspects from pass to pass. After a restart the grace period starts again."""

    cloud: CloudProvider
    cluster: Cluster
    monitor: ClusterMonitor
    clock: Clock
    recorder: EventRecorder
    metrics: Metrics
    timeouts: Timeouts
    cluster_name: str
    _foreign_pools: frozenset[str] = frozenset()
    _suspected_pools: dict[str, datetime] = field(default_factory=dict)
    _suspected_nodes: dict[str, datetime] = field(default_factory=dict)
    _served_kinds: set[Kind] = field(default_factory=set)

    async def collect(self, listing: PoolListing) -> None:
        """Do one pass over a listing that was just requested."""
        stability = await self.monitor.refresh()
        now = self.clock.now()
        if not (stability.is_fresh(now) and stability.is_settled(now, self.timeouts.settle)):
            self._suspected_pools, self._suspected_nodes = {}, {}
            return
        snapshot = await self._read(listing)
        now, grace = self.clock.now(), self.timeouts.orphan_grace
        if snapshot is None or now - listing.requested_at > _LISTING_MAX_AGE:
            return
        pools = garbage_collection.plan_pools(snapshot, self._suspected_pools, now, grace)
        nodes = garbage_collection.plan_nodes(snapshot, self._suspected_nodes, now, grace)
        self._suspected_pools = dict(pools.suspects)
        self._suspected_nodes = dict(nodes.suspects)
        for name in pools.delete:
            await self._delete_pool(name, snapshot)
        for name in nodes.delete:
            await self._delete_node(name, snapshot)
        await self._report_stray_nodes(snapshot)
        self._report_foreign_pools(snapshot)

    async def _read(self, listing: PoolListing) -> Snapshot | None:
        """Return the lists, or None where the cluster no longer serves a kind of claim: its claims
        may be gone with it, or the response may be wrong."""
        claims: list[Manifest] = []
        for kind in CLAIM_KINDS:
            try:
                claims.extend((await self.cluster.list(kind)).items)
                self._served_kinds.add(kind)
            except NotFound:
                if kind in self._served_kinds:
                    logger.warning(
                        "the cluster no longer serves %s, so no garbage is collected", kind
                    )
                    return None
        nodes = await self.cluster.list(NODE, labels={labels.CLAIM_UID: None})
        return Snapshot(
            cluster=self.cluster_name,
            pools=listing.pools,
            claim_uids=frozenset(claim["metadata"]["uid"] for claim in claims),
            claim_names=frozenset(claim["metadata"]["name"] for claim in claims),
            nodes=tuple(nodes.items),
        )

    async def _delete_pool(self, name: str, snapshot: Snapshot) -> None:
        try:
            pool = await self.cloud.get(name)
        except PoolNotFound:
            return
        if not garbage_collection.is_orphaned_pool(pool, snapshot):
            logger.info("agent pool %s changed after it was listed and is not deleted", name)
            return
        logger.warning("agent pool %s has had no claim (uid %s) for %s and is deleted", name,
                    ownership.claim_uid(pool), self.timeouts.orphan_grace)  # fmt: skip
        await self.cloud.delete(name)
        self.metrics.orphan_deleted("agent_pool")

    async def _delete_node(self, name: str, snapshot: Snapshot) -> None:
        try:
            node = await self.cluster.get(NODE, name)
            if not garbage_collection.may_delete_node(node, snapshot):
                return
            logger.warning("node %s has had neither claim nor agent pool for %s and is deleted",
                        name, self.timeouts.orphan_grace)  # fmt: skip
            await self.cluster.delete(NODE, name)
            self.metrics.orphan_deleted("node")
        except NotFound:
            return

    async def _report_stray_nodes(self, snapshot: Snapshot) -> None:
        strays = garbage_collection.stray_nodes(snapshot)
        self.metrics.set_stray_nodes(len(strays))
        note = (
            "this node works, but it has no claim and the cloud lists no agent pool for it: look "
            "for its machine in the scale sets of the node resource group"
        )
        for node in strays:
            await self.recorder.record(NODE, node, True, Reason.NODE_WITHOUT_POOL, note)

    def _report_foreign_pools(self, snapshot: Snapshot) -> None:
        """Warn once about pools that name another cluster: azureClusterName may be wrong."""
        pools = garbage_collection.foreign_pools(snapshot)
        names = frozenset(pool.name for pool in pools)
        if names and names != self._foreign_pools:
            clusters = sorted({ownership.tag(pool, ownership.CLUSTER_TAG) for pool in pools})
            logger.warning(
                "agent pools %s were created for the cluster %s, and this is %s: they are left "
                "alone. Check azureClusterName",
                ", ".join(sorted(names)), ", ".join(clusters), self.cluster_name,
            )  # fmt: skip
        self._foreign_pools = names
