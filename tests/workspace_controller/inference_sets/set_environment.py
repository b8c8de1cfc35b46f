"""An InferenceSet with everything below it: its Workspaces are reconciled, too."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Key, Manifest, is_being_deleted
from tests.workspace_controller.given import NAMESPACE
from tests.workspace_controller.harness import Environment
from workspace_controller.inference_sets.executor import SetExecutor
from workspace_controller.inference_sets.load_client import FakeLoadClient
from workspace_controller.inference_sets.observer import SetObserver
from workspace_controller.inference_sets.reconciler import SetReconciler
from workspace_controller.metrics import Metrics

KEY = Key(NAMESPACE, "phi")


@dataclass
class SetEnvironment:
    environment: Environment = field(default_factory=Environment)
    loads: FakeLoadClient = field(default_factory=FakeLoadClient)
    through: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        return self.through or self.environment.cluster

    def reconciler(self) -> SetReconciler:
        """A process that has just listed everything."""
        env = self.environment
        env.replica.look()
        store = env.replica.store
        store.replace_all(INFERENCE_SET, env.cluster.objects(INFERENCE_SET))
        recorder = EventRecorder(self.cluster, env.clock, "kaito-workspace-controller", "replica")
        return SetReconciler(
            SetObserver(self.cluster, store, env.clock, self.loads),
            SetExecutor(self.cluster, recorder),
            Metrics(CollectorRegistry()),
        )

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
