"""Creates claims in place of workspace-controller.

Like the controller, it recreates a claim under its own name as long as the workspace exists, and
deletes the claims with the workspace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kaito_api import labels
from kaito_kube.errors import ClusterError, NotFound
from kaito_kube.fake import Event, FakeCluster
from kaito_kube.kinds import MACHINE, NODE_CLAIM, Kind, Manifest, is_being_deleted
from tests.simulation.api_server import run_sync
from tests.simulation.fault_injector import Fault
from tests.simulation.region import A100, V100, V100X2, ZONES
from tests.simulation.region import NAME as REGION
from tests.simulation.simulation import Simulation

ACTOR = "owner"
TOO_LARGE = "9Ti"
# The pause before the next try where the kind is not served.
_UNSERVED_SECONDS = 20.0


@dataclass(eq=False)
class ClaimCreator:
    """`workspaces` are the claims' names by workspace; `desired` the claims that should exist."""

    sim: Simulation
    cluster: FakeCluster
    workspaces: dict[str, list[str]] = field(default_factory=dict)
    desired: dict[str, Kind] = field(default_factory=dict)
    _manifests: dict[str, Manifest] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        self.cluster.listen(self._changed)

    def make_any(self, count: int) -> list[str]:
        """Create a workspace with `count` nodes and random properties."""
        rng = self.sim.rng
        kind = rng.choice((MACHINE, NODE_CLAIM))
        types = rng.choice(([V100], [V100], [V100], [V100X2], [A100], [A100, V100]))
        storage = TOO_LARGE if rng.random() < 0.02 else "100Gi"
        names = [type_.name for type_ in types]
        return self.make(count, kind, names, storage, self._requirements())

    def _requirements(self) -> list[Manifest]:
        """What some claims require beyond their types, in runs in which it matters."""
        rng, injector, found = self.sim.rng, self.sim.injector, []
        if injector.is_enabled(Fault.ZONES) and rng.random() < 0.7:
            zones = rng.choice((ZONES[:1], ZONES[1:2], ZONES[:2]))
            found.append(_in(labels.ZONE, [f"{REGION}-{zone}" for zone in zones]))
        if injector.is_enabled(Fault.SPOT) and rng.random() < 0.7:
            found.append(_in(labels.CAPACITY_TYPE, rng.choice((["spot"], ["spot", "on-demand"]))))
        return found

    def make(
        self,
        count: int,
        kind: Kind = NODE_CLAIM,
        types: Sequence[str] = (V100.name,),
        storage: str = "100Gi",
        requirements: Sequence[Manifest] = (),
    ) -> list[str]:
        """Create a workspace with `count` nodes and, immediately, its claims."""
        self._made += 1
        workspace = f"workspace-{self._made}"
        names = [f"ws{self.sim.rng.getrandbits(36):09x}" for _ in range(count)]
        self.workspaces[workspace] = names
        for name in names:
            self.desired[name] = kind
            manifest = _claim(kind, name, workspace, list(types), storage)
            manifest["spec"]["requirements"].extend(requirements)
            self._manifests[name] = manifest
            self._create(name)
        return names

    def end(self, workspace: str) -> None:
        """Delete the workspace's claims for good."""
        for name in self.workspaces.pop(workspace):
            delete_claim(self.sim, self.cluster, self.desired.pop(name), name)

    def _changed(self, event: Event) -> None:
        name = event.change.manifest["metadata"]["name"]
        if event.change.type == "DELETED" and event.kind is self.desired.get(name):
            self.sim.later(self.sim.between(0.1, 10), self._create, name)

    def _create(self, name: str) -> None:
        kind = self.desired.get(name)
        if kind is None or self.cluster.peek(kind, name) is not None:
            return
        try:
            run_sync(self.cluster.create(kind, self._manifests[name]))
        except NotFound:
            self.sim.later(_UNSERVED_SECONDS, self._create, name)
        except ClusterError as error:
            self.sim.tell(ACTOR, f"creates {kind} {name}", name, str(error))
        else:
            uid = (self.cluster.peek(kind, name) or {})["metadata"]["uid"]
            self.sim.tell(ACTOR, f"creates {kind} {name}, uid ...{uid[-4:]}", name)


def delete_claim(sim: Simulation, cluster: FakeCluster, kind: Kind, name: str) -> None:
    """Delete a claim if it exists and is not being deleted yet."""
    if kind in cluster.missing_kinds:
        sim.later(_UNSERVED_SECONDS, delete_claim, sim, cluster, kind, name)
        return
    found = cluster.peek(kind, name)
    if found is not None and not is_being_deleted(found):
        sim.tell(ACTOR, f"deletes {kind} {name}", name)
        run_sync(cluster.delete(kind, name))


def _in(key: str, values: list[str]) -> Manifest:
    return {"key": key, "operator": "In", "values": values}


def _claim(kind: Kind, name: str, workspace: str, types: list[str], storage: str) -> Manifest:
    spec: Manifest = {
        "requirements": [_in(labels.INSTANCE_TYPE, types)],
        "resources": {"requests": {"storage": storage}},
        "taints": [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}],
    }
    if kind is NODE_CLAIM:
        spec["nodeClassRef"] = {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"}
        spec["expireAfter"] = "Never"
    mine = {labels.WORKSPACE: workspace, labels.WORKSPACE_NAMESPACE: "default", "app": workspace}
    return {"metadata": {"name": name, "labels": mine}, "spec": spec}
