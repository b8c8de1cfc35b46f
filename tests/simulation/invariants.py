"""The invariants, checked at every effect against the true state."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import PoolSpec, PoolState
from kaito_api import labels
from kaito_kube.fake import Event
from kaito_kube.kinds import (
    MACHINE,
    NODE,
    NODE_CLAIM,
    WORKSPACE,
    Kind,
    Manifest,
    is_being_deleted,
    labels_of,
)
from tests.simulation.api_server import ApiServer
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.call_rates import CallRates, RateBounds
from tests.simulation.keep_rules import KeepRules
from tests.simulation.requirements import why_unfit
from tests.simulation.simulation import Simulation
from tests.simulation.violation import Violation, ViolationKind
from tests.simulation.vm import Vm

CLAIMS = (MACHINE, NODE_CLAIM)
# The name prefix of workspace-controller's processes.
CONTROLLER = "controller"
# The longest time that a pool may exist without a claim, whatever the faults, in seconds.
MAX_ORPHAN_SECONDS = 3600.0


@dataclass(eq=False)
class InvariantChecker:
    """`rates` and `keep_rules` judge calls and machines. `released` are the uids of the claims that
    the owner of a finalizer has let go, and `machines` every machine that ever was, by its Node.
    `why_unchecked` is why no node may be requested for a Workspace yet; empty where one may.
    """

    sim: Simulation
    server: ApiServer
    arm: Arm
    keep_rules: KeepRules
    bounds: RateBounds
    on_violation: Callable[[], None]
    released: Set[str] = frozenset()
    machines: Mapping[str, Vm] = field(default_factory=dict)
    why_unchecked: Callable[[Manifest], str] = lambda _: ""
    violations: list[Violation] = field(default_factory=list)
    _nodes: dict[str, str] = field(default_factory=dict)
    _orphans: dict[int, float] = field(default_factory=dict)
    _finalizers: dict[str, Set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rates = CallRates(self.sim, self.bounds, self.report)
        self.server.listen(self._changed)

    # Calls that a process makes.

    def on_pool_delete(self, who: str, name: str) -> None:
        pool = self.arm.pools.get(name)
        if pool is None:
            return
        if pool.foreign:
            self._wrong(name, f"{who} deletes someone else's agent pool")
        elif self._has_live_claim(pool) and (why := self.keep_rules.why_keep_pool(pool)):
            self._wrong(name, f"{who} deletes the agent pool of a live claim: {why}")
        elif why := self.keep_rules.why_still_drains(pool, self._claim_that_ends(pool)):
            self._wrong(name, f"{who} deletes the agent pool of a claim that still drains: {why}")

    def on_pool_mark(self, who: str, name: str, marks: Marks) -> None:
        """Check marks at the moment of their effect."""
        pool = self.arm.pools[name]
        if pool.foreign:
            self._wrong(name, f"{who} marks someone else's agent pool")
        elif marks.labels.get(labels.CLAIM_UID, pool.uid) != pool.uid:
            self._wrong(name, f"{who} marks the agent pool of another claim")

    def on_object_delete(self, who: str, kind: Kind, name: str) -> None:
        if kind is NODE:
            self._deletes_node(who, name)
        elif kind in CLAIMS:
            claim = self.server.find(kind, name)
            if claim is None or is_being_deleted(claim):
                return
            if who.startswith(CONTROLLER):
                self._check_release(who, claim)
                return
            for pool in self.arm.pools_of(claim["metadata"]["uid"]):
                rules = self.keep_rules
                if why := rules.why_keep_claim(pool) or rules.why_not_repair(pool, claim):
                    self._wrong(name, f"{who} gives up a live claim: {why}")

    def on_object_patch(self, who: str, kind: Kind, name: str) -> None:
        if kind is NODE and any(p.foreign and p.vm and p.vm.node == name for p in self._pools()):
            self._wrong(name, f"{who} changes someone else's Node")

    def on_pool_create(self, who: str, spec: PoolSpec) -> None:
        """Check a create at the moment of its effect. A pool of that name cannot be written over:
        ARM rejects the create then."""
        uid = spec.tags["kaito-claim-uid"]
        claims = (self.server.find(kind, spec.name) for kind in CLAIMS)
        for claim in claims:
            if claim and claim["metadata"]["uid"] == uid and (why := why_unfit(claim, spec)):
                self._leaked(spec.name, f"{who} buys what the claim forbids: {why}")
        for other in self.arm.pools_of(uid):
            if other.name != spec.name:
                self._leaked(spec.name, f"a second pool for one claim, after {other.name}")

    # Changes over time.

    def check_orphans(self) -> None:
        """Check, from time to time, for pools that have been without a claim for too long."""
        for pool in self._pools():
            if pool.foreign or pool.state is PoolState.DELETING or self._has_live_claim(pool):
                self._orphans.pop(id(pool), None)
                continue
            since = self._orphans.setdefault(id(pool), self.sim.now)
            if self.sim.now - since > MAX_ORPHAN_SECONDS:
                self._leaked(pool.name, "an agent pool without a claim for an hour")

    def report(self, kind: ViolationKind, about: str, what: str) -> None:
        self.violations.append(Violation(kind, about, what))
        self.on_violation()

    def _changed(self, event: Event) -> None:
        if event.kind in CLAIMS and event.change.type == "DELETED":
            metadata = event.change.manifest["metadata"]
            self.keep_rules.ended.append(self.sim.now)
            for pool in self.arm.pools_of(metadata["uid"]):
                self._leaked(metadata["name"], f"the claim went before its pool {pool.name}")
        elif event.kind in CLAIMS and event.change.type == "ADDED":
            self._check_count(event.change.manifest)
            self._check_data(event.change.manifest)
        if event.kind in CLAIMS:
            self._check_finalizers(event.change.manifest)
            self._check_node(event.change.manifest)

    def _check_finalizers(self, claim: Manifest) -> None:
        """Check that nobody but its owner takes a finalizer off."""
        metadata = claim["metadata"]
        now = frozenset(metadata.get("finalizers") or ()) - {labels.TERMINATION_FINALIZER}
        lost = self._finalizers.get(metadata["uid"], frozenset()) - now
        if lost and metadata["uid"] not in self.released:
            self._wrong(metadata["name"], f"somebody else's finalizer is taken off: {min(lost)}")
        self._finalizers[metadata["uid"]] = now

    def _check_node(self, claim: Manifest) -> None:
        """Check that the claim's Node is that of the machine that its pool got."""
        name, uid = claim["metadata"]["name"], claim["metadata"]["uid"]
        node = (claim.get("status") or {}).get("nodeName")
        if node and self._nodes.get(uid) != node:
            self._nodes[uid] = node
            vm = self.machines.get(node)
            if vm is None or vm.claim != uid:
                self._wrong(name, f"it takes over {node}, the Node of another machine")

    def _check_count(self, claim: Manifest) -> None:
        """Check that there are no more claims than the Workspace needs."""
        if (workspace := self.workspace_of(claim)) is None:
            return
        if len(self.claims_of(workspace)) > workspace["resource"]["count"]:
            self._leaked(claim["metadata"]["name"], "a claim more than its Workspace wants")

    def _check_data(self, claim: Manifest) -> None:
        """Check that the data of a run is known to be sound before its node is paid for."""
        workspace = self.workspace_of(claim)
        if workspace is not None and (why := self.why_unchecked(workspace)):
            self._leaked(claim["metadata"]["name"], f"a node is requested, and {why}")

    def _check_release(self, who: str, claim: Manifest) -> None:
        if self.workspace_of(claim) is not None:
            name = claim["metadata"]["name"]
            self._wrong(name, f"{who} gives back a node that a Workspace asks for")

    def _deletes_node(self, who: str, name: str) -> None:
        for pool in self._pools():
            vm = pool.vm
            if vm is None or vm.node != name or vm.gone:
                continue
            if pool.foreign or self._has_live_claim(pool):
                self._wrong(pool.name, f"{who} deletes the Node of a machine that runs")

    def _claim_that_ends(self, pool: AgentPool) -> Manifest | None:
        """The claim of the pool, if it is being deleted."""
        claims = (self.server.find(kind, pool.name) for kind in CLAIMS)
        ending = (c for c in claims if c is not None and is_being_deleted(c))
        return next((c for c in ending if c["metadata"]["uid"] == pool.uid), None)

    def _has_live_claim(self, pool: AgentPool) -> bool:
        return self.claim_of(pool) is not None

    def claim_of(self, pool: AgentPool) -> Manifest | None:
        """The claim of the pool's uid, if it exists and is not being deleted."""
        for kind in CLAIMS:
            claim = self.server.find(kind, pool.name)
            if claim and claim["metadata"]["uid"] == pool.uid and not is_being_deleted(claim):
                return claim
        return None

    def claims_of(self, workspace: Manifest) -> list[Manifest]:
        uid = workspace["metadata"]["uid"]
        claims = (claim for kind in CLAIMS for claim in self.server.all(kind))
        return [claim for claim in claims if labels_of(claim).get(labels.WORKSPACE_UID) == uid]

    def workspace_of(self, claim: Manifest) -> Manifest | None:
        """The Workspace that the claim was created for, if it exists and is not being deleted."""
        has = labels_of(claim)
        place = has.get(labels.WORKSPACE, ""), has.get(labels.WORKSPACE_NAMESPACE, "")
        found = self.server.find(WORKSPACE, *place)
        if found is None or is_being_deleted(found):
            return None
        return found if found["metadata"]["uid"] == has.get(labels.WORKSPACE_UID) else None

    def _pools(self) -> list[AgentPool]:
        return list(self.arm.pools.values())

    def _wrong(self, about: str, what: str) -> None:
        self.report(ViolationKind.WRONGLY_DELETED, about, what)

    def _leaked(self, about: str, what: str) -> None:
        self.report(ViolationKind.LEAKED, about, what)
