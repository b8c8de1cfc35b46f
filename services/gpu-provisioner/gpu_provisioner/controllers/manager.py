"""Runs the watches on every replica, and the controllers on the leader."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from gpu_provisioner.claims.claim import CLAIM_KINDS, is_managed
from gpu_provisioner.cloud.fenced_cloud import FencedCloud
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.collection_report import CollectionReport
from gpu_provisioner.controllers.garbage_collector import GarbageCollector
from gpu_provisioner.controllers.poll_interval import waits_for_cloud
from gpu_provisioner.controllers.pool_poller import PoolPoller
from gpu_provisioner.controllers.reconciler import Reconciler
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.instance_types import Catalog
from gpu_provisioner.offerings.selector import OfferingSelector
from gpu_provisioner.settings import Settings
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from gpu_provisioner.state.identity_monitor import IdentityMonitor
from gpu_provisioner.state.node_images import NodeImageCache
from gpu_provisioner.state.pool_cache import AgentPoolCache
from kaito_api import labels
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.feeds import Feeds
from kaito_kube.fenced_cluster import FencedCluster
from kaito_kube.health_server import Application, health_app
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import NODE, Key, Kind, Manifest, is_being_deleted, key_of, labels_of
from kaito_kube.leader_election import Leadership, LeaseConfig, run_as_leader
from kaito_kube.store import Store
from kaito_kube.work_queue import Reconcile, WorkQueue

# A cluster may have the CRD of only one kind of claim.
SOURCES = (*(WatchSource(kind, optional=True) for kind in CLAIM_KINDS), WatchSource(NODE))
# How long a start waits for the comparison with the AKS cluster. Nodes are drained and conditions
# are written also while Azure does not respond, and every collection of garbage compares again.
_IDENTITY_SECONDS = 30.0


@dataclass(eq=False)
class Manager:
    """`watch` keeps the store of every replica up to date, so that a new leader starts with a
    warm store. `work` runs on the leader."""

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
        self.feeds = Feeds()
        self.registry.register(self.feeds)
        self.store = Store()
        self.store.index(NODE, labels.AGENT_POOL)
        self._pools = AgentPoolCache()
        metrics, timeouts = Metrics(self.registry), settings.timeouts
        recorder = EventRecorder(cluster, clock, "gpu-provisioner", settings.pod_name)
        monitor = ClusterMonitor(cloud, clock, rng=self.rng)
        images = NodeImageCache(cloud, clock)
        self._identity = IdentityMonitor(cluster, monitor, settings.azure.verify_cluster)
        catalog = Catalog.of(settings.azure.location)
        reconciler = Reconciler(
            cluster=cluster,
            cloud=cloud,
            store=self.store,
            pools=self._pools,
            clock=clock,
            recorder=recorder,
            metrics=metrics,
            timeouts=timeouts,
            cluster_name=settings.azure.cluster_name,
            selector=OfferingSelector(cloud, clock, metrics, catalog),
            monitor=monitor,
            images=images,
            defaults=settings.pools,
            verifies_cluster=settings.azure.verify_cluster,
        )
        self._queues = {
            kind: WorkQueue("claim", _reconcile(reconciler, kind), rng=self.rng)
            for kind in CLAIM_KINDS
        }
        self._poller = PoolPoller(
            cloud=cloud,
            pools=self._pools,
            clock=clock,
            garbage_collector=GarbageCollector(
                cloud=cloud,
                cluster=cluster,
                monitor=monitor,
                identity=self._identity,
                clock=clock,
                recorder=recorder,
                metrics=metrics,
                timeouts=timeouts,
                cluster_name=settings.azure.cluster_name,
                report=CollectionReport(
                    cluster=cluster,
                    recorder=recorder,
                    metrics=metrics,
                    clock=clock,
                    lease=Key(settings.release_namespace, settings.lease_name),
                ),
                absent_kinds=settings.absent_claim_kinds,
            ),
            images=images,
            is_busy=self._is_busy,
            on_change=self._pools_changed,
            rng=self.rng,
        )
        self.store.add_listener(self._object_changed)

    def not_ready_reason(self) -> str | None:
        """Return why this replica cannot do its work, or None. A standby is ready, too."""
        missing = [s.kind.plural for s in SOURCES if not self.store.is_synced(s.kind)]
        return self.feeds.not_ready_reason(missing)

    def health_app(self) -> Application:
        """Alive while no feed is deaf, and ready while every kind is listed and watched."""
        return health_app(self.registry, self.feeds.problem, self.not_ready_reason)

    async def run(self, lease: LeaseConfig) -> None:
        """Watch, wait for leadership and work. Returns when leadership is lost or a task ends,
        and the process should end then.

        Raises:
            WrongCluster: the settings name another AKS cluster than the one with these nodes.
        """
        watching = asyncio.ensure_future(self.watch())
        leading = asyncio.ensure_future(self._lead(lease))
        try:
            await asyncio.wait((watching, leading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watching, leading):
                task.cancel()
            results = await asyncio.gather(watching, leading, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _lead(self, lease: LeaseConfig) -> None:
        # Every replica checks: an upgrade with a wrong name ends with its first new pod, while the
        # old ones still work.
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDENTITY_SECONDS):
                await self._identity.check()
        # An object that is missing before its kind is listed may well exist: a Node without which
        # its machine would be deleted with the pods on it.
        await self.store.wait_until_synced(source.kind for source in SOURCES)
        await run_as_leader(self.cluster, self.clock, lease, self.work, self._leadership)

    async def watch(self) -> None:
        async with asyncio.TaskGroup() as group:
            for source in SOURCES:
                feed = self.feeds.open(source.kind.plural)
                group.create_task(run_informer(self.cluster, self.store, source, self.rng, feed))

    async def work(self) -> None:
        for kind, queue in self._queues.items():
            queue.start()
            for key in self.store.keys(kind):
                queue.enqueue(key)
        try:
            await self._poller.run()
        finally:
            await asyncio.gather(*(queue.stop() for queue in self._queues.values()))

    def _object_changed(self, kind: Kind, manifest: Manifest) -> None:
        if kind in self._queues:
            self._queues[kind].enqueue(key_of(manifest))
            if waits_for_cloud(CLAIM_KINDS[kind], manifest):
                self._poller.trigger()
        elif pool := labels_of(manifest).get(labels.AGENT_POOL):
            self._enqueue(pool)
            # Only the pool says whether it was scaled, upgraded or evicted, and where no claim
            # waits the last listing may be older than the patience with a spot machine.
            if self.store.get(kind, key_of(manifest)) is None and self._is_in_use(pool):
                self._poller.trigger()

    def _pools_changed(self, names: set[str]) -> None:
        for name in sorted(names):
            self._enqueue(name)

    def _enqueue(self, name: str) -> None:
        """Enqueue the claim of that name, of either kind."""
        key = Key("", name)
        for kind, queue in self._queues.items():
            if self.store.get(kind, key) is not None:
                queue.enqueue(key)

    def _is_in_use(self, pool: str) -> bool:
        """Return whether a claim has that name, and is to keep its machine."""
        claims = (self.store.get(kind, Key("", pool)) for kind in CLAIM_KINDS)
        return any(
            claim is not None and is_managed(claim) and not is_being_deleted(claim)
            for claim in claims
        )

    def _is_busy(self) -> bool:
        return any(
            waits_for_cloud(claim_kind, manifest)
            for kind, claim_kind in CLAIM_KINDS.items()
            for manifest in self.store.all(kind)
        )


def _reconcile(reconciler: Reconciler, kind: Kind) -> Reconcile:
    async def reconcile(key: Key) -> float | None:
        return await reconciler.reconcile(kind, key)

    return reconcile
