"""The controller without its work queue: tests fill the store and run the passes."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from kaito_kube import kinds
from kaito_kube.clock import FakeClock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import ClusterError
from kaito_kube.events import EventRecorder
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import Key
from kaito_kube.store import Store
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import CONFIG, NAMESPACE, RELEASE, settings
from tests.workspace_controller.world import World
from workspace_controller.executor import Executor
from workspace_controller.hub.fake import FakeHub
from workspace_controller.hub.models import HubModels
from workspace_controller.metrics import Metrics
from workspace_controller.namespace_budgets import NamespaceBudgets
from workspace_controller.node_reservations import NodeReservations
from workspace_controller.observer import Observer
from workspace_controller.pod_clients.adapter_client import FakeAdapterClient
from workspace_controller.pod_clients.adapter_sender import AdapterSender
from workspace_controller.pod_clients.download_client import FakeDownloadClient
from workspace_controller.pod_clients.model_client import FakeModelClient
from workspace_controller.pod_clients.tuning_client import FakeTuningClient
from workspace_controller.reconciler import Reconciler
from workspace_controller.rollout import Rollout
from workspace_controller.settings import Settings
from workspace_controller.triggers import CHILD_KINDS

KINDS = (kinds.WORKSPACE, kinds.NAMESPACE, kinds.NODE, *CHILD_KINDS)


@dataclass
class Replica:
    """One process with its own store. `through` can be a cluster whose calls fail."""

    through: Cluster
    truth: FakeCluster
    clock: FakeClock
    settings: Settings
    tuning: FakeTuningClient = field(default_factory=FakeTuningClient)
    adapters: FakeAdapterClient = field(default_factory=FakeAdapterClient)
    hub: FakeHub = field(default_factory=FakeHub)
    models: FakeModelClient = field(default_factory=FakeModelClient)
    downloads: FakeDownloadClient = field(default_factory=FakeDownloadClient)
    store: Store = field(default_factory=Store)
    prices: PriceBook = field(default_factory=PriceBook)

    def __post_init__(self) -> None:
        reservations = NodeReservations(self.store)
        observer = Observer(
            self.through,
            self.store,
            reservations,
            Rollout(self.store),
            self.clock,
            self.settings,
            self.tuning,
            self.adapters,
            HubModels(self.hub, self.clock),
            self.models,
            self.downloads,
            NamespaceBudgets(self.store),
            lambda: self.prices,
        )
        recorder = EventRecorder(self.through, self.clock, "kaito-workspace-controller", "replica")
        sender = AdapterSender(self.through, self.adapters, self.settings.administration_key)
        executor = Executor(self.through, recorder, sender)
        self.reconciler = Reconciler(observer, executor, Metrics(CollectorRegistry()))

    def look(self) -> None:
        for kind in KINDS:
            self.store.replace_all(kind, self.truth.objects(kind))

    async def round(self) -> list[ClusterError]:
        """A pass over every Workspace, and over those that are gone but left a claim."""
        self.look()
        keys = set(self.store.keys(kinds.WORKSPACE))
        keys |= {
            Key(c["metadata"]["labels"]["kaito.sh/workspacenamespace"],
                c["metadata"]["labels"]["kaito.sh/workspace"])
            for c in self.truth.objects(kinds.MACHINE)
        }  # fmt: skip
        refused: list[ClusterError] = []
        for key in sorted(keys):
            try:
                await self.reconciler.reconcile(key)
            except ClusterError as error:
                refused.append(error)
        return refused


@dataclass
class Environment:
    """A cluster with the release's default configurations, the world, and one replica."""

    settings: Settings = field(default_factory=settings)
    clock: FakeClock = field(default_factory=FakeClock)
    hub: FakeHub = field(default_factory=FakeHub)

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.clock)
        self.world = World(self.cluster)
        for method in ("lora", "qlora"):
            name = {"name": f"{method}-params-template", "namespace": RELEASE}
            data = {"training_config.yaml": CONFIG if method == "qlora" else "training_config: {}"}
            self.cluster.seed(kinds.CONFIG_MAP, {"metadata": name, "data": data})
        self.replica = self.new_replica()

    def new_replica(self, through: Cluster | None = None) -> Replica:
        return Replica(
            through or self.cluster, self.cluster, self.clock, self.settings, hub=self.hub
        )

    def push_secret(self) -> None:
        self.cluster.seed(
            kinds.SECRET,
            {
                "metadata": {"name": "push", "namespace": NAMESPACE},
                "data": {".dockerconfigjson": "e30="},
            },
        )

    def apply(self, manifest: kinds.Manifest) -> kinds.Manifest:
        return self.cluster.seed(kinds.WORKSPACE, manifest)

    def workspace(self, name: str = "ws") -> kinds.Manifest:
        found = self.cluster.peek(kinds.WORKSPACE, name, NAMESPACE)
        assert found is not None
        return found

    async def settle(self, rounds: int = 30) -> None:
        """Alternates between the controller and the world until neither changes anything."""
        for _ in range(rounds):
            before = self.cluster.version
            await self.replica.round()
            self.world.step()
            self.clock.advance(5)
            if self.cluster.version == before:
                return
        raise AssertionError("nothing settles")
