"""People who want nodes and leave it to the real workspace-controller to ask for them: they make
Workspaces and delete them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import WORKSPACE, Kind, Manifest
from tests.simulation.api_server import at_once
from tests.simulation.owner import ACTOR
from tests.simulation.sold import TYPES, V100
from tests.simulation.stage import Stage
from tests.simulation.weather import Fault
from workspace_controller.manifests.claims import claim_name
from workspace_controller.manifests.metadata import owner_of
from workspace_controller.plan.nodes.sources import SOURCES
from workspace_controller.settings import NodeProvisioner

NAMESPACE = "default"


@dataclass(eq=False)
class Workspaces:
    """`workspaces` are names of claims by workspace: the controller's names follow from who asks.
    All claims are of one kind, as one release asks for them."""

    stage: Stage
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
    def wanted(self) -> Mapping[str, Kind]:
        return {name: self.kind for names in self.workspaces.values() for name in names}

    def make_any(self, count: int) -> list[str]:
        return self.make(count, self.stage.rng.choice(list(TYPES)))

    def make(self, count: int, instance_type: str = V100.name) -> list[str]:
        """A Workspace of so many nodes."""
        self._made += 1
        name = f"workspace-{self._made}"
        self.stage.tell(ACTOR, f"creates {name} of {count} {instance_type}")
        made = self.cluster.seed(WORKSPACE, _workspace(name, count, instance_type))
        self.workspaces[name] = [claim_name(owner_of(made), i) for i in range(count)]
        return self.workspaces[name]

    def end(self, workspace: str) -> None:
        """It is deleted; what was asked for in its name has to go. Now and then somebody who does
        not want to wait takes its finalizer off."""
        del self.workspaces[workspace]
        at_once(self.cluster.delete(WORKSPACE, workspace, NAMESPACE))
        if self.stage.weather.strikes(Fault.FORCED):
            self.stage.later(self.stage.between(0, 30), self._force, workspace)

    def _force(self, workspace: str) -> None:
        if self.cluster.peek(WORKSPACE, workspace, NAMESPACE) is not None:
            self.stage.tell(ACTOR, f"takes the finalizer off {workspace}")
            patch = {"metadata": {"finalizers": None}}
            at_once(self.cluster.patch(WORKSPACE, workspace, patch, namespace=NAMESPACE))


def _workspace(name: str, count: int, instance_type: str) -> Manifest:
    """With a template, which takes as many nodes as are asked for."""
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
