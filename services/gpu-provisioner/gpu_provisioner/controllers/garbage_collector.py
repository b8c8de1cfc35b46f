"""Garbage collection: reads the lists, lets `lifecycle.garbage_collection` decide, and reads each
orphan again before it deletes it."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.claims.claim import CLAIM_KINDS
from gpu_provisioner.cloud.errors import PoolNotFound
from gpu_provisioner.cloud.pools import PoolListing
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.collection_report import CollectionReport
from gpu_provisioner.controllers.pool_reports import PoolReports
from gpu_provisioner.lifecycle import garbage_collection
from gpu_provisioner.lifecycle.garbage_collection import Snapshot
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.settings import Timeouts
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from gpu_provisioner.state.identity_monitor import IdentityMonitor
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import ClusterError, NotFound
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
    identity: IdentityMonitor
    clock: Clock
    recorder: EventRecorder
    metrics: Metrics
    timeouts: Timeouts
    cluster_name: str
    report: CollectionReport
    absent_kinds: frozenset[str] = frozenset()
    _reports: PoolReports = field(default_factory=PoolReports)
    _suspected_pools: dict[str, datetime] = field(default_factory=dict)
    _suspected_nodes: dict[str, datetime] = field(default_factory=dict)
    _served_kinds: set[Kind] = field(default_factory=set)

    async def collect(self, listing: PoolListing) -> None:
        """Do one pass over a listing that was just requested.

        Raises:
            WrongCluster: the settings name another AKS cluster.
        """
        await self.identity.check()
        stability = await self.monitor.refresh()
        now = self.clock.now()
        if not (stability.is_fresh(now) and stability.is_settled(now, self.timeouts.settle)):
            self._suspected_pools, self._suspected_nodes = {}, {}
            if stability.error:
                await self.report.blocked("cloud", stability.description)
            return
        try:
            snapshot = await self._read(listing)
        except ClusterError as error:
            await self.report.blocked("cluster", f"the claims or nodes cannot be listed ({error})")
            raise
        now, grace = self.clock.now(), self.timeouts.orphan_grace
        if now - listing.requested_at > _LISTING_MAX_AGE:
            return
        pools = garbage_collection.plan_pools(snapshot, self._suspected_pools, now, grace)
        nodes = garbage_collection.plan_nodes(snapshot, self._suspected_nodes, now, grace)
        self._suspected_pools = dict(pools.suspects)
        self._suspected_nodes = dict(nodes.suspects)
        self.metrics.set_leaked_pools(len(pools.suspects))
        for name in pools.delete:
            await self._delete_pool(name, snapshot)
        for name in nodes.delete:
            await self._delete_node(name, snapshot)
        await self._report_stray_nodes(snapshot)
        self._reports.report(snapshot)
        self.report.collected()

    async def _read(self, listing: PoolListing) -> Snapshot:
        """Return the lists. A kind of claim that the cluster does not serve is not listed: its
        claims may be gone with it, or come back, or the response may be wrong."""
        claims: list[Manifest] = []
        unlisted: set[str] = set()
        for kind in CLAIM_KINDS:
            try:
                claims.extend((await self.cluster.list(kind)).items)
                self._served_kinds.add(kind)
            except NotFound:
                if kind in self._served_kinds or kind.plural not in self.absent_kinds:
                    unlisted.add(kind.kind)
        nodes = await self.cluster.list(NODE, labels={labels.CLAIM_UID: None})
        state = self.monitor.stability.state
        return Snapshot(
            cluster=self.cluster_name,
            pools=listing.pools,
            claim_uids=frozenset(claim["metadata"]["uid"] for claim in claims),
            claim_names=frozenset(claim["metadata"]["name"] for claim in claims),
            nodes=tuple(nodes.items),
            unlisted_kinds=frozenset(unlisted),
            identity=self.identity.identity,
            node_group=state.node_group if state is not None else "",
        )

    async def _delete_pool(self, name: str, snapshot: Snapshot) -> None:
        try:
            pool = await self.cloud.get(name)
        except PoolNotFound:
            return
        if not garbage_collection.is_orphaned_pool(pool, snapshot):
            logger.info("agent pool %s changed after it was listed and is not deleted", name)
            return
        logger.warning(
            "agent pool %s has had no claim (uid %s) for %s and is deleted", name,
            marks.uid_by_label(pool) or marks.uid_by_tag(pool), self.timeouts.orphan_grace,
        )  # fmt: skip
        # Nobody has drained this machine. If its budgets block AKS's own drain, they would do so
        # for ever, and the machine would be billed as long.
        is_blocked = pool.error is not None and pool.error.reason is Reason.TERMINATION_BLOCKED
        await self.cloud.delete(name, ignore_budgets=is_blocked, etag=pool.etag)
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
