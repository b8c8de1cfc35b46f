"""The Workspaces of InferenceSets, from their creation to their first answer and their failures."""

from dataclasses import dataclass, field

from kaito_api import labels
from kaito_kube.fake import Event
from kaito_kube.kinds import WORKSPACE, Key, Manifest, key_of, labels_of
from tests.simulation.api_server import ApiServer
from tests.simulation.fault_injector import Fault
from tests.simulation.simulation import Simulation

ACTOR = "workspaces"


@dataclass(eq=False)
class ModelReplica:
    """`ever` says whether it has answered at any time."""

    key: Key
    model: str
    made_at: float
    serving: bool = False
    ever: bool = False
    failed: bool = False


@dataclass(eq=False)
class ModelReplicas:
    """Stands for the controller of Workspaces, the nodes and the models."""

    sim: Simulation
    server: ApiServer
    replicas: dict[Key, ModelReplica] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.listen(self._changed)

    def of(self, model: str) -> list[ModelReplica]:
        return [each for each in self.replicas.values() if each.model == model]

    def is_serving(self, model: str) -> bool:
        return any(each.serving for each in self.of(model))

    def _changed(self, event: Event) -> None:
        if event.kind is not WORKSPACE:
            return
        manifest = event.change.manifest
        key = key_of(manifest)
        if event.change.type == "DELETED":
            self.replicas.pop(key, None)
        elif key not in self.replicas:
            name = labels_of(manifest)[labels.CREATED_BY_SET]
            made = ModelReplica(key, f"{key.namespace}/{name}", self.sim.now)
            self.replicas[key] = made
            injector = self.sim.injector
            slow = self.sim.between(300, 1500) if injector.strikes(Fault.CREATE_SLOW) else 0.0
            fails = injector.strikes(Fault.CREATE_FAILS)
            self.sim.later(self.sim.between(60, 300) + slow, self._end_start, made, fails)

    def _end_start(self, replica: ModelReplica, fails: bool) -> None:
        if self.replicas.get(replica.key) is not replica:
            return
        if fails:
            self.sim.tell(ACTOR, f"{replica.key} has failed")
            replica.failed = True
            self._write(replica, ready=False)
            return
        self.sim.tell(ACTOR, f"{replica.key} answers")
        replica.serving = replica.ever = True
        self._write(replica, ready=True)
        if self.sim.injector.strikes(Fault.FLAPS):
            self.sim.later(self.sim.between(10, 600), self._flap, replica)

    def _flap(self, replica: ModelReplica) -> None:
        if self.replicas.get(replica.key) is replica and replica.serving:
            self.sim.tell(ACTOR, f"{replica.key} restarts")
            replica.serving = False
            self._write(replica, ready=False)
            self.sim.later(self.sim.between(10, 120), self._end_start, replica, False)

    def _write(self, replica: ModelReplica, *, ready: bool) -> None:
        found = self.server.find(WORKSPACE, replica.key.name, replica.key.namespace)
        if found is not None:
            self.server.cluster.change(
                WORKSPACE, replica.key, {"status": _status(replica, found, ready)}
            )


def _status(replica: ModelReplica, workspace: Manifest, ready: bool) -> Manifest:
    reason = (
        "WorkspaceReady" if ready else "WorkspaceFailed" if replica.failed else "WorkspacePending"
    )
    conditions = [
        {"type": "WorkspaceReady", "status": str(ready), "reason": reason, "message": ""},
        {
            "type": "InferenceReady",
            "status": str(ready),
            "reason": "ContainerCrashed" if replica.failed else "ModelLoading",
            "message": "",
        },
    ]
    return {
        "state": "Ready" if ready else "Failed" if replica.failed else "Loading",
        "observedGeneration": workspace["metadata"].get("generation", 1),
        "targetNodeCount": 1,
        "conditions": conditions,
    }
