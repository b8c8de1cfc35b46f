"""Creates, changes and deletes Workspaces, for which workspace-controller requests nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import CONFIG_MAP, NAMESPACE, SECRET, WORKSPACE, Key, Kind, Manifest
from tests.simulation.api_server import run_sync
from tests.simulation.check_jobs import CheckJobs, Data
from tests.simulation.claim_creator import ACTOR
from tests.simulation.fault_injector import Fault
from tests.simulation.region import TYPES, V100
from tests.simulation.simulation import Simulation
from workspace_controller.manifests.claims import claim_name
from workspace_controller.manifests.metadata import owner_of
from workspace_controller.plan.nodes.sources import SOURCES
from workspace_controller.settings import NodeProvisioner

# The names of Workspaces repeat in the second namespace.
NAMESPACES = ("default", "team")
PRESET = "phi-3-mini-128k-instruct"
# The share of Workspaces that tune a model; the others serve one.
_TUNING = 0.4
_CONFIG = "training_config:\n  QuantizationConfig: {load_in_4bit: true}\n"


@dataclass(eq=False)
class Workspaces:
    """`workspaces` are the claims' names by workspace (namespace/name), and follow from the
    Workspace.

    All claims are of one kind, because a release uses one kind only.
    """

    sim: Simulation
    cluster: FakeCluster
    nodes: NodeProvisioner
    checks: CheckJobs
    workspaces: dict[str, list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    _made: int = 0

    def __post_init__(self) -> None:
        """Create what every tuning Workspace refers to."""
        release = {"name": "qlora-params-template", "namespace": "kaito-system"}
        config = {"training_config.yaml": _CONFIG}
        self.cluster.seed(CONFIG_MAP, {"metadata": release, "data": config})
        for namespace in NAMESPACES:
            self.cluster.seed(NAMESPACE, {"metadata": {"name": namespace}})
            secret = {"name": "push", "namespace": namespace}
            self.cluster.seed(SECRET, {"metadata": secret, "data": {".dockerconfigjson": "e30="}})

    @property
    def kind(self) -> Kind:
        kind = SOURCES[self.nodes].kind
        assert kind is not None
        return kind

    @property
    def desired(self) -> Mapping[str, Kind]:
        """No node is desired for broken data, unless its check could not be done."""
        return {
            name: self.kind
            for workspace, names in self.workspaces.items()
            for name in names
            if workspace not in self.broken or workspace in self.checks.unchecked
        }

    def make_any(self, count: int) -> list[str]:
        """Create a Workspace, or as many as `count` that serve where the release is upgraded."""
        instance_type = self.sim.rng.choice(list(TYPES))
        if self.sim.injector.is_enabled(Fault.UPGRADE):
            return [name for _ in range(count) for name in self.make(1, instance_type)]
        if self.sim.rng.random() < _TUNING:
            return self.make_tuning(instance_type)
        return self.make(count, instance_type)

    def make_tuning(self, instance_type: str) -> list[str]:
        """Create a Workspace that tunes a model, whose data can be sound, late or broken."""
        key = self._next_key()
        data = self.sim.rng.choice(list(Data))
        url = self.checks.publish(str(key), data)
        self.sim.tell(ACTOR, f"creates {key} that tunes on {data.value} data")
        made = self.cluster.seed(WORKSPACE, _tuning(key, instance_type, url))
        self.workspaces[str(key)] = [claim_name(owner_of(made), 0)]
        if data is Data.BROKEN:
            self.broken.add(str(key))
        return self.workspaces[str(key)]

    def correct_any(self) -> None:
        """Give a Workspace with broken data the URL of sound data."""
        name = self.sim.rng.choice(sorted(self.broken))
        self.broken.remove(name)
        self.sim.tell(ACTOR, f"corrects the data of {name}")
        url = self.checks.publish(name, Data.SOUND)
        patch = {"tuning": {"input": {"urls": [url]}}}
        self.cluster.change(WORKSPACE, _key(name), patch)

    def make(self, count: int, instance_type: str = V100.name) -> list[str]:
        """Create a Workspace with `count` nodes."""
        key = self._next_key()
        self.sim.tell(ACTOR, f"creates {key} of {count} {instance_type}")
        made = self.cluster.seed(WORKSPACE, _workspace(key, count, instance_type))
        self.workspaces[str(key)] = [claim_name(owner_of(made), i) for i in range(count)]
        return self.workspaces[str(key)]

    def _next_key(self) -> Key:
        number, namespace = divmod(self._made, len(NAMESPACES))
        self._made += 1
        return Key(NAMESPACES[namespace], f"workspace-{number + 1}")

    def end(self, workspace: str) -> None:
        """Delete a Workspace, whose claims must follow. Sometimes a user removes its finalizer."""
        del self.workspaces[workspace]
        self.broken.discard(workspace)
        key = _key(workspace)
        run_sync(self.cluster.delete(WORKSPACE, key.name, key.namespace))
        if self.sim.injector.strikes(Fault.FORCED):
            self.sim.later(self.sim.between(0, 30), self._force, key)

    def _force(self, key: Key) -> None:
        if self.cluster.peek(WORKSPACE, key.name, key.namespace) is not None:
            self.sim.tell(ACTOR, f"takes the finalizer off {key}")
            patch = {"metadata": {"finalizers": None}}
            run_sync(self.cluster.patch(WORKSPACE, key.name, patch, namespace=key.namespace))


def _key(workspace: str) -> Key:
    namespace, _, name = workspace.partition("/")
    return Key(namespace, name)


def _tuning(key: Key, instance_type: str, url: str) -> Manifest:
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "resource": {
            "count": 1,
            "instanceType": instance_type,
            "labelSelector": {"matchLabels": {"app": key.name}},
        },
        "tuning": {
            "preset": {"name": PRESET},
            "method": "qlora",
            "input": {"urls": [url]},
            "output": {"image": f"registry/{key.name}:1", "imagePushSecret": "push"},
        },
    }


def _workspace(key: Key, count: int, instance_type: str) -> Manifest:
    """A Workspace that serves a preset on one node, or with a template as many as requested."""
    container = {"name": "server", "image": "registry/server:1"}
    template = {"template": {"spec": {"containers": [container]}}}
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "resource": {
            "count": count,
            "instanceType": instance_type,
            "labelSelector": {"matchLabels": {"app": key.name}},
        },
        "inference": {"preset": {"name": PRESET}} if count == 1 else template,
    }
