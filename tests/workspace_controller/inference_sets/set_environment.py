"""An InferenceSet with everything below it: its Workspaces are reconciled, too."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Key, Manifest, is_being_deleted
from kaito_kube.store import Store
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import NAMESPACE
from tests.workspace_controller.harness import Environment
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.recommendations import Recommendations
from workspace_controller.inference_sets.executor import SetExecutor
from workspace_controller.inference_sets.load_client import FakeLoadClient
from workspace_controller.inference_sets.observer import SetObserver
from workspace_controller.inference_sets.reconciler import SetReconciler
from workspace_controller.inference_sets.ticker import ScalingTicker
from workspace_controller.metrics import Metrics

KEY = Key(NAMESPACE, "phi")


@dataclass
class SetEnvironment:
    environment: Environment = field(default_factory=Environment)
    loads: FakeLoadClient = field(default_factory=FakeLoadClient)
    through: Cluster | None = None
    current: CurrentDemand = field(default_factory=CurrentDemand)
    recommendations: Recommendations | None = None

    @property
    def cluster(self) -> Cluster:
        return self.through or self.environment.cluster

    def reconciler(self) -> SetReconciler:
        """A process that has just listed everything."""
        env = self.environment
        env.replica.look()
        store = env.replica.store
        store.replace_all(INFERENCE_SET, env.cluster.objects(INFERENCE_SET))
        self.recommendations = self.recommendations or self.successor()
        # A new process lists into a new store; this stands for one process that goes on.
        self.recommendations.store = store
        recorder = EventRecorder(self.cluster, env.clock, "kaito-workspace-controller", "replica")
        return SetReconciler(
            SetObserver(
                self.cluster, store, env.clock, self.loads, self.recommendations, PriceBook
            ),
            SetExecutor(self.cluster, recorder),
            Metrics(CollectorRegistry()),
        )

    def successor(self) -> Recommendations:
        """Another replica of the controller, which gets the same reports and remembers nothing."""
        return Recommendations(self.current, Store(), self.environment.clock)

    def look(self) -> bool:
        """One sample of the demand. Whether the ticker has the set reconciled."""
        due: list[Key] = []
        observer = self.reconciler().observer
        observer.recommendations.sample()
        ScalingTicker(observer.store, observer, due.append).look()
        return bool(due)

    async def settle(self, rounds: int = 60) -> None:
        """Alternates between the controllers and the world until nothing changes."""
        env = self.environment
        for _ in range(rounds):
            before = env.cluster.version
            await self.reconciler().reconcile(KEY)
            await env.replica.round()
            env.world.step()
            env.clock.advance(5)
            if env.cluster.version == before:
                return
        raise AssertionError("nothing settles")

    def workspaces(self) -> list[Manifest]:
        found = self.environment.cluster.objects(WORKSPACE)
        return [w for w in found if not is_being_deleted(w)]

    def set(self) -> Manifest:
        found = self.environment.cluster.peek(INFERENCE_SET, KEY.name, KEY.namespace)
        assert found is not None
        return found

    def change(self, **spec: object) -> None:
        self.environment.cluster.change(INFERENCE_SET, KEY, {"spec": spec})
