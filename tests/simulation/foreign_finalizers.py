"""Somebody else's finalizers on claims, which only their owner may take off."""

from dataclasses import dataclass, field

from kaito_kube.fake import Event, FakeCluster
from kaito_kube.kinds import MACHINE, NODE_CLAIM, Kind, Manifest, is_being_deleted
from tests.simulation.api_server import run_sync
from tests.simulation.fault_injector import Fault
from tests.simulation.simulation import Simulation

ACTOR = "auditor"
FINALIZER = "example.com/audit"
CLAIMS = (MACHINE, NODE_CLAIM)


@dataclass(eq=False)
class ForeignFinalizers:
    """Puts its finalizer on some new claims, and takes it off some time after their deletion.

    `released` are the uids of the claims that its owner has let go.
    """

    sim: Simulation
    cluster: FakeCluster
    released: set[str] = field(default_factory=set)
    _leaving: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.cluster.listen(self._changed)

    def _changed(self, event: Event) -> None:
        if event.kind not in CLAIMS or event.change.type == "DELETED":
            return
        claim = event.change.manifest
        name, uid = claim["metadata"]["name"], claim["metadata"]["uid"]
        if event.change.type == "ADDED" and self.sim.injector.strikes(Fault.FINALIZERS):
            self.sim.later(0.0, self._add, event.kind, name)
        elif is_being_deleted(claim) and FINALIZER in _finalizers(claim):
            self._plan_release(event.kind, name, uid)

    def _plan_release(self, kind: Kind, name: str, uid: str) -> None:
        if uid not in self._leaving:
            self._leaving.add(uid)
            self.sim.later(self.sim.between(1, 300), self._release, kind, name, uid)

    def _add(self, kind: Kind, name: str) -> None:
        claim = self.cluster.peek(kind, name)
        if claim is None or is_being_deleted(claim) or kind in self.cluster.missing_kinds:
            return
        self.sim.tell(ACTOR, f"puts {FINALIZER} on the claim", name)
        self._write(kind, name, [*_finalizers(claim), FINALIZER])

    def _release(self, kind: Kind, name: str, uid: str) -> None:
        claim = self.cluster.peek(kind, name)
        if claim is None or claim["metadata"]["uid"] != uid:
            return
        if kind in self.cluster.missing_kinds:
            self.sim.later(30, self._release, kind, name, uid)
            return
        self.sim.tell(ACTOR, f"takes {FINALIZER} off the claim", name)
        self.released.add(uid)
        self._write(kind, name, [f for f in _finalizers(claim) if f != FINALIZER])

    def _write(self, kind: Kind, name: str, finalizers: list[str]) -> None:
        patch = {"metadata": {"finalizers": finalizers}}
        run_sync(self.cluster.patch(kind, name, patch))


def _finalizers(claim: Manifest) -> list[str]:
    return list(claim["metadata"].get("finalizers") or ())
