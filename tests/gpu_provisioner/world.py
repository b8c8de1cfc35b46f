"""An in-memory cluster, cloud and clock, with the real controllers between them."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from gpu_provisioner.claims.claim import CLAIM_KINDS
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.collection_report import CollectionReport
from gpu_provisioner.controllers.garbage_collector import GarbageCollector
from gpu_provisioner.controllers.poll_interval import IDLE_SECONDS
from gpu_provisioner.controllers.pool_poller import PoolPoller
from gpu_provisioner.controllers.reconciler import Reconciler
from gpu_provisioner.lifecycle.cluster_stability import ClusterStability
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.instance_types import Catalog
from gpu_provisioner.offerings.selector import OfferingSelector
from gpu_provisioner.settings import Budget, Timeouts
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from gpu_provisioner.state.identity_monitor import IdentityMonitor
from gpu_provisioner.state.node_images import NodeImageCache
from gpu_provisioner.state.pool_cache import AgentPoolCache
from kaito_api import labels
from kaito_api.conditions import rfc3339
from kaito_api.reasons import REASONS
from kaito_kube.clock import FakeClock
from kaito_kube.errors import ClusterError
from kaito_kube.events import EventRecorder
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import EVENT, MACHINE, NODE, NODE_CLAIM, POD, Key, Kind, Manifest, key_of
from kaito_kube.store import Store

NAME = "ws0123456ab"
COLLECTION_INTERVAL = timedelta(seconds=IDLE_SECONDS)


def claim_manifest(kind: Kind = MACHINE, name: str = NAME, **changes: Any) -> Manifest:
    spec: Manifest = {
        "requirements": [
            {"key": labels.INSTANCE_TYPE, "operator": "In", "values": ["Standard_NC6s_v3"]}
        ],
        "resources": {"requests": {"storage": "50Gi"}},
        "taints": [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}],
    }
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": name,
            "labels": {labels.WORKSPACE: "phi", labels.WORKSPACE_NAMESPACE: "default", "app": "x"},
        },
        "spec": {**spec, **changes},
    }


@dataclass
class World:
    """`joins` is whether machines of new pools join the cluster. With a `budget`, calls to the
    cloud are paced. With `leaves_nodes`, the Nodes of deleted machines stay."""

    kind: Kind = MACHINE
    timeouts: Timeouts = field(default_factory=Timeouts)
    joins: bool = True
    gpus: str = "1"
    budget: Budget | None = None
    leaves_nodes: bool = False
    absent_kinds: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.cloud = FakeCloud(self.clock)
        self.start()
        self.monitor.stability = ClusterStability(
            state=self.cloud.state,
            requested_at=self.clock.now(),
            steady_since=self.clock.now() - timedelta(hours=1),
        )

    def start(self) -> None:
        """Start a process with empty caches, as after a crash. The first process of a world has
        run for a while and has seen the cluster steady."""
        self.store = Store()
        self.store.index(NODE, labels.AGENT_POOL)
        self.pools = AgentPoolCache()
        self.collected_at: datetime | None = None
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        recorder = EventRecorder(self.cluster, self.clock, "gpu-provisioner", "test")
        provider: CloudProvider = self.cloud
        if self.budget is not None:
            provider = PacedCloud(self.cloud, self.clock, self.budget)
        self.monitor = ClusterMonitor(provider, self.clock)
        images = NodeImageCache(provider, self.clock)
        self.reconciler = Reconciler(
            cluster=self.cluster,
            cloud=provider,
            store=self.store,
            pools=self.pools,
            clock=self.clock,
            recorder=recorder,
            metrics=metrics,
            timeouts=self.timeouts,
            cluster_name="aks",
            selector=OfferingSelector(provider, self.clock, metrics, Catalog.of("eastus")),
            monitor=self.monitor,
            images=images,
        )
        self.refresh = PoolPoller(
            cloud=provider,
            pools=self.pools,
            clock=self.clock,
            garbage_collector=GarbageCollector(
                cloud=provider,
                cluster=self.cluster,
                monitor=self.monitor,
                identity=IdentityMonitor(self.cluster, self.monitor),
                clock=self.clock,
                recorder=recorder,
                metrics=metrics,
                timeouts=self.timeouts,
                cluster_name="aks",
                report=CollectionReport(
                    cluster=self.cluster,
                    recorder=recorder,
                    metrics=metrics,
                    clock=self.clock,
                    lease=Key("kaito-system", "kaito-gpu-provisioner"),
                ),
                absent_kinds=self.absent_kinds,
            ),
            images=images,
            is_busy=lambda: True,
            on_change=lambda _: None,
        )

    def ask(self, **changes: Any) -> None:
        self.cluster.seed(self.kind, claim_manifest(self.kind, **changes))

    def claim(self, name: str = NAME) -> Manifest | None:
        return self.cluster.peek(self.kind, name)

    def condition(self, type_: str, name: str = NAME) -> tuple[str, str]:
        """Return status and reason of a condition, by its name on NodeClaims."""
        found = self._condition(type_, name)
        return (found["status"], found["reason"]) if found else ("", "")

    def message(self, type_: str, name: str = NAME) -> str:
        return str(self._condition(type_, name).get("message", ""))

    def _condition(self, type_: str, name: str) -> Manifest:
        claim = self.claim(name)
        assert claim is not None
        field_ = {"InstanceTerminating": "instance_terminating"}.get(type_, type_.lower())
        wanted = getattr(CLAIM_KINDS[self.kind], field_, type_)
        found = claim.get("status", {}).get("conditions", ())
        return next((c for c in found if c["type"] == wanted), {})

    async def tick(self, seconds: float = 5) -> None:
        """Advance the time, let machines join or leave, and reconcile every claim once."""
        self.clock.advance(seconds)
        self._machines()
        for kind in (*CLAIM_KINDS, NODE):
            self.store.replace_all(kind, (await self.cluster.list(kind)).items)
        listing = await self.refresh.poll()
        if self.collected_at is None or self.clock.now() - self.collected_at >= COLLECTION_INTERVAL:
            self.collected_at = self.clock.now()
            await self.refresh.collect(listing)
        for kind in CLAIM_KINDS:
            for key in self.store.keys(kind):
                await self.reconciler.reconcile(kind, key)
        self._everything_shown_is_explained()

    def _everything_shown_is_explained(self) -> None:
        """Check that the table of reasons lists each reason for its condition."""
        for kind in CLAIM_KINDS:
            for claim in self.cluster.objects(kind):
                for shown in claim.get("status", {}).get("conditions", ()):
                    type_ = shown["type"].removeprefix("Machine")
                    assert type_ in REASONS[shown["reason"]].conditions, shown

    async def run(self, ticks: int, seconds: float = 5) -> None:
        """Tick several times. A pass that the API server refuses is repeated in the next tick."""
        for _ in range(ticks):
            try:
                await self.tick(seconds)
            except ClusterError:
                continue

    def _machines(self) -> None:
        pools = self.cloud.pools()
        for node in self.cluster.objects(NODE):
            gone = node["metadata"]["labels"][labels.AGENT_POOL] not in pools
            if gone and not self.leaves_nodes:
                self._remove(node)
        for name, pool in pools.items():
            if pool.state is PoolState.SUCCEEDED and self.joins:
                self.join(name)

    def stop(self) -> None:
        """Do what `az aks stop` does: the machines stop, and their Nodes stay."""
        self.cloud.state = replace(self.cloud.state, running=False)
        self.joins = False
        for node in self.cluster.objects(NODE):
            self.set_ready(node["metadata"]["labels"][labels.AGENT_POOL], "Unknown")

    def start_cluster(self) -> None:
        """Do what `az aks start` does: the machines are back."""
        self.cloud.state = replace(self.cloud.state, running=True)
        self.joins = True
        for node in self.cluster.objects(NODE):
            self.set_ready(node["metadata"]["labels"][labels.AGENT_POOL], "True")

    def set_ready(self, pool: str, status: str) -> None:
        ready = {
            "type": "Ready",
            "status": status,
            "lastTransitionTime": rfc3339(self.clock.now()),
        }
        patch = {"status": {"conditions": [ready]}}
        self.cluster.change(NODE, Key("", f"aks-{pool}-0"), patch)

    def evict(self, pool: str = NAME) -> None:
        """Remove the machine without a replacement. The pool stays unchanged."""
        self.joins = False
        node = self.cluster.peek(NODE, f"aks-{pool}-0")
        assert node is not None
        self._remove(node)

    def _remove(self, node: Manifest) -> None:
        self.cluster.change(NODE, key_of(node), None)

    def join(self, pool: str, made_by: Pool | None = None) -> None:
        """Let the machine of the pool join, or that of one which had the name before."""
        if self.cluster.peek(NODE, f"aks-{pool}-0"):
            return
        resources = {"nvidia.com/gpu": self.gpus}
        self.cluster.seed(
            NODE,
            {
                "metadata": {
                    "name": f"aks-{pool}-0",
                    "labels": {
                        **(made_by or self.cloud.pools()[pool]).labels,
                        labels.AGENT_POOL: pool,
                        labels.INSTANCE_TYPE: "Standard_NC6s_v3",
                        labels.REGION: "eastus",
                    },
                },
                "spec": {
                    "providerID": f"azure:///{pool}",
                    "taints": [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}],
                },
                "status": {
                    "conditions": [
                        {
                            "type": "Ready",
                            "status": "True",
                            "lastTransitionTime": rfc3339(self.clock.now()),
                        }
                    ],
                    "capacity": resources,
                    "allocatable": resources,
                },
            },
        )

    def pod(
        self, name: str, pool: str = NAME, *, spec: Manifest | None = None, **more: Any
    ) -> None:
        """Create a pod; `more` goes into its metadata."""
        self.cluster.seed(
            POD,
            {
                "metadata": {"name": name, "namespace": "default", **more},
                "spec": {"nodeName": f"aks-{pool}-0", **(spec or {})},
                "status": {"phase": "Running"},
            },
        )

    def pod_key(self, name: str) -> Key:
        return Key("default", name)

    def events(self) -> list[str]:
        """Return the reasons of all events, each once."""
        return sorted({event["reason"] for event in self.cluster.objects(EVENT)})

    def count(self, metric: str, **by: str) -> float:
        return self.registry.get_sample_value(metric, by) or 0.0


def drain_seconds(seconds: int) -> Timeouts:
    return Timeouts(drain_timeout=timedelta(seconds=seconds))


KINDS = (MACHINE, NODE_CLAIM)
