"""Who wants the claims: as workspace-controller does, it makes each anew under its own name as
long as its workspace stands, and deletes them when that goes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kaito_api import labels
from kaito_kube.errors import ClusterError
from kaito_kube.fake import Event, FakeCluster
from kaito_kube.kinds import MACHINE, NODE_CLAIM, Kind, Manifest, is_being_deleted
from tests.simulation.api_server import at_once
from tests.simulation.sold import A100, V100, V100X2
from tests.simulation.stage import Stage

ACTOR = "owner"
TOO_LARGE = "9Ti"


@dataclass(eq=False)
class Owner:
    """`workspaces` are names of claims by workspace; `wanted` are those that should exist."""

    stage: Stage
    cluster: FakeCluster
    workspaces: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, Kind] = field(default_factory=dict)
    _manifests: dict[str, Manifest] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        self.cluster.listen(self._changed)

    def make_any(self, count: int) -> list[str]:
        """A workspace of so many nodes, of whichever kind."""
        rng = self.stage.rng
        kind = rng.choice((MACHINE, NODE_CLAIM))
        types = rng.choice(([V100], [V100], [V100], [V100X2], [A100], [A100, V100]))
        storage = TOO_LARGE if rng.random() < 0.02 else "100Gi"
        return self.make(count, kind, [type_.name for type_ in types], storage)

    def make(
        self,
        count: int,
        kind: Kind = NODE_CLAIM,
        types: Sequence[str] = (V100.name,),
        storage: str = "100Gi",
    ) -> list[str]:
        """A workspace of so many nodes; its claims come at once."""
        self._made += 1
        workspace = f"workspace-{self._made}"
        names = [f"ws{self.stage.rng.getrandbits(36):09x}" for _ in range(count)]
        self.workspaces[workspace] = names
        for name in names:
            self.wanted[name] = kind
            self._manifests[name] = _claim(kind, name, workspace, list(types), storage)
            self._ask(name)
        return names

    def end(self, workspace: str) -> None:
        """Its claims are deleted, and not made again."""
        for name in self.workspaces.pop(workspace):
            delete_claim(self.stage, self.cluster, self.wanted.pop(name), name)

    def _changed(self, event: Event) -> None:
        name = event.change.manifest["metadata"]["name"]
        if event.change.type == "DELETED" and event.kind is self.wanted.get(name):
            self.stage.later(self.stage.between(0.1, 10), self._ask, name)

    def _ask(self, name: str) -> None:
        kind = self.wanted.get(name)
        if kind is None or self.cluster.peek(kind, name) is not None:
            return
        try:
            at_once(self.cluster.create(kind, self._manifests[name]))
        except ClusterError as error:
            self.stage.tell(ACTOR, f"creates {kind} {name}", name, str(error))
        else:
            uid = (self.cluster.peek(kind, name) or {})["metadata"]["uid"]
            self.stage.tell(ACTOR, f"creates {kind} {name}, uid ...{uid[-4:]}", name)


def delete_claim(stage: Stage, cluster: FakeCluster, kind: Kind, name: str) -> None:
    """Where it is there and not being deleted yet."""
    found = cluster.peek(kind, name)
    if found is not None and not is_being_deleted(found):
        stage.tell(ACTOR, f"deletes {kind} {name}", name)
        at_once(cluster.delete(kind, name))


def _claim(kind: Kind, name: str, workspace: str, types: list[str], storage: str) -> Manifest:
    spec: Manifest = {
        "requirements": [{"key": labels.INSTANCE_TYPE, "operator": "In", "values": types}],
        "resources": {"requests": {"storage": storage}},
        "taints": [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}],
    }
    if kind is NODE_CLAIM:
        spec["nodeClassRef"] = {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"}
        spec["expireAfter"] = "Never"
    mine = {labels.WORKSPACE: workspace, labels.WORKSPACE_NAMESPACE: "default", "app": workspace}
    return {"metadata": {"name": name, "labels": mine}, "spec": spec}
