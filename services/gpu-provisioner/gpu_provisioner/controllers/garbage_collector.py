"""Garbage collection: reads what there is, lets `garbage` decide, and looks once more before it
deletes anything."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.claims.claim import CLAIM_KINDS
from gpu_provisioner.cloud.errors import PoolNotFound
from gpu_provisioner.cloud.pools import PoolListing
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.lifecycle import garbage_collection
from gpu_provisioner.lifecycle.garbage_collection import Seen
from gpu_provisioner.lifecycle.nodes import is_ready
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.settings import Terms
from gpu_provisioner.state.cluster_monitor import PowerWatch
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import NODE, Kind, Manifest, labels_of

logger = logging.getLogger(__name__)

# A listing that is older was made before whatever delayed us, and is not judged by.
_STALE = timedelta(seconds=30)


@dataclass
class Collector:
    """Remembers suspects from sweep to sweep; a process that starts anew suspects anew."""

    cloud: CloudProvider
    cluster: Cluster
    power: PowerWatch
    clock: Clock
    recorder: EventRecorder
    metrics: Metrics
    terms: Terms
    _pools: dict[str, datetime] = field(default_factory=dict)
    _nodes: dict[str, datetime] = field(default_factory=dict)
    _kinds: set[Kind] = field(default_factory=set)

    async def sweep(self, listing: PoolListing) -> None:
        """`listing` is one that was just asked for."""
        power = await self.power.ask()
        now = self.clock.now()
        if not (power.is_fresh(now) and power.is_settled(now, self.terms.settle)):
            self._pools, self._nodes = {}, {}
            return
        seen = await self._look(listing)
        now = self.clock.now()
        if seen is None or now - listing.asked > _STALE:
            return
        pools = garbage_collection.sweep_pools(seen, self._pools, now, self.terms.orphan_grace)
        nodes = garbage_collection.sweep_nodes(seen, self._nodes, now, self.terms.orphan_grace)
        self._pools, self._nodes = dict(pools.suspects), dict(nodes.suspects)
        for name in pools.delete:
            await self._delete_pool(name, seen)
        for name in nodes.delete:
            await self._delete_node(name, seen)
        await self._tell_of_strays(seen)

    async def _look(self, listing: PoolListing) -> Seen | None:
        """None where a kind of claim that the cluster once knew is not known to it now: its claims
        may be gone with it, or the answer may be wrong."""
        claims: list[Manifest] = []
        for kind in CLAIM_KINDS:
            try:
                claims.extend((await self.cluster.list(kind)).items)
                self._kinds.add(kind)
            except NotFound:
                if kind in self._kinds:
                    logger.warning("the cluster does not know %s any more: nothing is swept", kind)
                    return None
        nodes = await self.cluster.list(NODE, labels={labels.CLAIM_UID: None})
        return Seen(
            pools=listing.pools,
            claim_uids=frozenset(claim["metadata"]["uid"] for claim in claims),
            claim_names=frozenset(claim["metadata"]["name"] for claim in claims),
            nodes=tuple(nodes.items),
        )

    async def _delete_pool(self, name: str, seen: Seen) -> None:
        try:
            pool = await self.cloud.get(name)
        except PoolNotFound:
            return
        uid = pool.tags.get(ownership.CLAIM_UID)
        ours = ownership.is_managed(pool) and uid not in seen.claim_uids
        if not ours or pool.state.in_flight:
            logger.info("agent pool %s has changed since it was listed: left alone", name)
            return
        logger.warning("agent pool %s has had no claim (of uid %s) for %s: deleting", name, uid,
                    self.terms.orphan_grace)  # fmt: skip
        await self.cloud.delete(name)
        self.metrics.collected("agent_pool")

    async def _delete_node(self, name: str, seen: Seen) -> None:
        try:
            node = await self.cluster.get(NODE, name)
            uid = labels_of(node).get(labels.CLAIM_UID)
            if uid is None or uid in seen.claim_uids or is_ready(node):
                return
            logger.warning("node %s has had neither claim nor agent pool for %s: deleting", name,
                        self.terms.orphan_grace)  # fmt: skip
            await self.cluster.delete(NODE, name)
            self.metrics.collected("node")
        except NotFound:
            return

    async def _tell_of_strays(self, seen: Seen) -> None:
        """A machine that works and that no list knows: its deletion is not ours to decide."""
        pools = {pool.name for pool in seen.pools}
        strays = [node for node in garbage_collection.ownerless(seen, pools) if is_ready(node)]
        self.metrics.strays(len(strays))
        for node in strays:
            note = (
                "this node works, and the cloud lists no agent pool of it, nor is there a claim: "
                "look for its machine in the scale sets of the node resource group"
            )
            await self.recorder.record(NODE, node, True, Reason.NODE_WITHOUT_POOL, note)
