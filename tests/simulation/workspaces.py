"""Creates and deletes Workspaces, for which the real workspace-controller requests nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import WORKSPACE, Kind, Manifest
from tests.simulation.api_server import run_sync
from tests.simulation.claim_creator import ACTOR
from tests.simulation.fault_injector import Fault
from tests.simulation.region import TYPES, V100
from tests.simulation.simulation import Simulation
from workspace_controller.manifests.claims import claim_name
from workspace_controller.manifests.metadata import owner_of
from workspace_controller.plan.nodes.sources import SOURCES
from workspace_controller.settings import NodeProvisioner

NAMESPACE = "default"


@dataclass(eq=False)
class Workspaces:
    """`workspaces` are the claims' names by workspace, which follow from the Workspace.

    All claims are of one kind, because a release uses one kind only.
    """

    sim: Simulation
    cluster: FakeCluster
    nodes: NodeProvisioner
    workspaces: dict[str, list[str]] = field(default_factory=dict)
    _made: int = 0

    @property
    def kind(self) -> Kind:
        kind = SOURCES[self.nodes].kind
        assert kind is not None
        return kind

    @property
    def desired(self) -> Mapping[str, Kind]:
        return {name: self.kind for names in self.workspaces.values() for name in names}

    def make_any(self, count: int) -> list[str]:
        return self.make(count, self.sim.rng.choice(list(TYPES)))

    def make(self, count: int, instance_type: str = V100.name) -> list[str]:
        """Create a Workspace with `count` nodes."""
        self._made += 1
        name = f"workspace-{self._made}"
        self.sim.tell(ACTOR, f"creates {name} of {count} {instance_type}")
        made = self.cluster.seed(WORKSPACE, _workspace(name, count, instance_type))
        self.workspaces[name] = [claim_name(owner_of(made), i) for i in range(count)]
        return self.workspaces[name]

    def end(self, workspace: str) -> None:
        """Delete a Workspace, whose claims must follow. Sometimes a user removes its finalizer."""
        del self.workspaces[workspace]
        run_sync(self.cluster.delete(WORKSPACE, workspace, NAMESPACE))
        if self.sim.injector.strikes(Fault.FORCED):
            self.sim.later(self.sim.between(0, 30), self._force, workspace)

    def _force(self, workspace: str) -> None:
        if self.cluster.peek(WORKSPACE, workspace, NAMESPACE) is not None:
            self.sim.tell(ACTOR, f"takes the finalizer off {workspace}")
            patch = {"metadata": {"finalizers": None}}
            run_sync(self.cluster.patch(WORKSPACE, workspace, patch, namespace=NAMESPACE))


def _workspace(name: str, count: int, instance_type: str) -> Manifest:
    """A Workspace with a template, which uses as many nodes as requested."""
    container = {"name": "server", "image": "registry/server:1"}
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "resource": {
            "count": count,
            "instanceType": instance_type,
            "labelSelector": {"matchLabels": {"app": name}},
        },
        "inference": {"template": {"spec": {"containers": [container]}}},
    }
