"""Wires watches, the view of the pools and one loop per claim together."""

import asyncio
import random
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from gpu_provisioner.claims.claim import CLAIM_KINDS, ClaimKind
from gpu_provisioner.cloud.fenced_cloud import FencedCloud
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.garbage_collector import Collector
from gpu_provisioner.controllers.pool_poller import Refresh
from gpu_provisioner.controllers.reconciler import Reconciler
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.instance_types import Catalogue
from gpu_provisioner.offerings.selector import Buyer
from gpu_provisioner.settings import Settings
from gpu_provisioner.state.cluster_monitor import PowerWatch
from gpu_provisioner.state.node_images import ImageWatch
from gpu_provisioner.state.pool_cache import PoolView
from kaito_api import conditions, labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.fenced_cluster import FencedCluster
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import NODE, Key, Kind, Manifest, is_being_deleted, key_of, labels_of
from kaito_kube.leader_election import Leadership, LeaseConfig, run_as_leader
from kaito_kube.store import Store
from kaito_kube.work_queue import Reconcile, WorkQueue

# For these, listings at the pace of idleness are soon enough.
_PATIENT = frozenset({Reason.LAUNCH_TIMEOUT, Reason.POOL_MISSING})
_INTERESTS = (*(WatchSource(kind, optional=True) for kind in CLAIM_KINDS), WatchSource(NODE))


@dataclass(eq=False)
class Operator:
    """`watch` runs on every replica and keeps its picture warm; `work` only on the leader."""

    cluster: Cluster
    cloud: CloudProvider
    clock: Clock
    settings: Settings
    registry: CollectorRegistry
    rng: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._leadership = Leadership()
        cluster = FencedCluster(self.cluster, self._leadership)
        cloud = FencedCloud(self.cloud, self._leadership)
        clock, settings = self.clock, self.settings
        self._store = Store()
        self._store.index(NODE, labels.AGENT_POOL)
        self._pools = PoolView()
        metrics, terms = Metrics(self.registry), settings.terms
        recorder = EventRecorder(cluster, clock, "gpu-provisioner", settings.pod_name)
        power, images = PowerWatch(cloud, clock), ImageWatch(cloud, clock)
        reconciler = Reconciler(
            cluster=cluster,
            cloud=cloud,
            store=self._store,
            pools=self._pools,
            clock=clock,
            recorder=recorder,
            metrics=metrics,
            terms=terms,
            cluster_name=settings.azure.cluster_name,
            buyer=Buyer(cloud, clock, metrics, Catalogue.of(settings.azure.location)),
            power=power,
            images=images,
            defaults=settings.pools,
        )
        self._loops = {
            kind: WorkQueue("claim", _on(reconciler, kind), rng=self.rng) for kind in CLAIM_KINDS
        }
        self._refresh = Refresh(
            cloud=cloud,
            pools=self._pools,
            clock=clock,
            collector=Collector(cloud, cluster, power, clock, recorder, metrics, terms),
            images=images,
            is_busy=self._is_busy,
            changed=self._pools_changed,
        )
        self._store.add_listener(self._object_changed)

    def trouble(self) -> str | None:
        """What keeps this replica from taking over, or None."""
        missing = [i.kind.plural for i in _INTERESTS if not self._store.is_synced(i.kind)]
        return f"not listed yet: {', '.join(missing)}" if missing else None

    async def run(self, terms: LeaseConfig) -> None:
        """Watches, waits for leadership and works, until leadership is lost or one of them ends:
        the process should end then."""
        watching = asyncio.ensure_future(self.watch())
        leading = asyncio.ensure_future(
            run_as_leader(self.cluster, self.clock, terms, self.work, self._leadership)
        )
        try:
            await asyncio.wait((watching, leading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watching, leading):
                task.cancel()
            results = await asyncio.gather(watching, leading, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def watch(self) -> None:
        async with asyncio.TaskGroup() as group:
            for source in _INTERESTS:
                group.create_task(run_informer(self.cluster, self._store, source, self.rng))

    async def work(self) -> None:
        for kind, loops in self._loops.items():
            loops.start()
            for key in self._store.keys(kind):
                loops.enqueue(key)
        try:
            await self._refresh.run()
        finally:
            await asyncio.gather(*(loops.stop() for loops in self._loops.values()))

    def _object_changed(self, kind: Kind, manifest: Manifest) -> None:
        if kind in self._loops:
            self._loops[kind].enqueue(key_of(manifest))
            if _waits_for_the_cloud(CLAIM_KINDS[kind], manifest):
                self._refresh.hurry()
        elif pool := labels_of(manifest).get(labels.AGENT_POOL):
            self._wake(pool)

    def _pools_changed(self, names: set[str]) -> None:
        for name in sorted(names):
            self._wake(name)

    def _wake(self, name: str) -> None:
        """The claim of that name, of whichever kind it is."""
        key = Key("", name)
        for kind, loops in self._loops.items():
            if self._store.get(kind, key) is not None:
                loops.enqueue(key)

    def _is_busy(self) -> bool:
        return any(
            _waits_for_the_cloud(claim_kind, manifest)
            for kind, claim_kind in CLAIM_KINDS.items()
            for manifest in self._store.all(kind)
        )


def _waits_for_the_cloud(kind: ClaimKind, claim: Manifest) -> bool:
    """Whether the next listing may answer it: its pool is being made, or deleted. A claim that
    was refused, that drains or that waits for its node, needs none."""
    found = (claim.get("status") or {}).get("conditions") or ()
    if is_being_deleted(claim):
        drained = conditions.find(found, kind.drained)
        return drained is None or conditions.find(found, kind.instance_terminating) is not None
    launched = conditions.find(found, kind.launched)
    patient = launched is not None and launched["reason"] in _PATIENT
    return not patient and (launched is None or launched["status"] == "Unknown")


def _on(reconciler: Reconciler, kind: Kind) -> Reconcile:
    async def reconcile(key: Key) -> float | None:
        return await reconciler.reconcile(kind, key)

    return reconcile
