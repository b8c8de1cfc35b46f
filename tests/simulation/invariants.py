"""The invariants, checked at every effect against the true state."""

from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import ceil

from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import PoolSpec, PoolState
from gpu_provisioner.settings import Timeouts
from kaito_api import labels
from kaito_api.conditions import parse_time
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
from tests.simulation.power import ClusterPower
from tests.simulation.process import Process
from tests.simulation.requirements import why_unfit
from tests.simulation.simulation import Simulation
from tests.simulation.vm import NotReadyCause, Vm

CLAIMS = (MACHINE, NODE_CLAIM)
# The name prefix of workspace-controller's processes.
CONTROLLER = "controller"
# How long a pool whose create was reported as failed is kept for its machine, in seconds.
FAILED_POOL_GRACE = 120.0
# Calls that were decided before the throttling response arrived may still be sent after it.
_EARLY_CALLS = 2
# For how long a process uses its count of broken nodes.
_COUNTED_SECONDS = 5.0
# The longest time that a pool may exist without a claim, whatever the faults, in seconds.
MAX_ORPHAN_SECONDS = 3600.0


class ViolationKind(StrEnum):
    LEAKED = "leaked"
    WRONGLY_DELETED = "wrongly deleted"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Violation:
    kind: ViolationKind
    about: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`lag` is how old a process's knowledge may be; the others limit the rate of calls."""

    lag: float
    arm_calls_per_minute: int
    arm_calls_per_claim: int
    api_writes_per_minute: int


@dataclass(eq=False)
class InvariantChecker:
    sim: Simulation
    server: ApiServer
    arm: Arm
    power: ClusterPower
    terms: Timeouts
    bounds: Bounds
    on_violation: Callable[[], None]
    # Why no node may be requested for a Workspace yet; empty where one may.
    # The names of the pods that run, by node, and the uids of the claims that the owner of a
    # finalizer has released.
    pods: Mapping[str, str] = field(default_factory=dict)
    released: Set[str] = frozenset()
    why_unchecked: Callable[[Manifest], str] = lambda _: ""
    # Every machine that ever was, by its Node.
    machines: Mapping[str, Vm] = field(default_factory=dict)
    # The Node in each claim's status, by uid.
    nodes: dict[str, str] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    _minute: int = -1
    _calls: Counter[str] = field(default_factory=Counter)
    _shut: dict[tuple[Process, str], float] = field(default_factory=dict)
    _early: Counter[tuple[Process, str]] = field(default_factory=Counter)
    _orphans: dict[int, float] = field(default_factory=dict)
    _finalizers: dict[str, Set[str]] = field(default_factory=dict)
    _ended: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.listen(self._changed)

    # Calls that a process makes.

    def on_pool_delete(self, who: str, name: str) -> None:
        pool = self.arm.pools.get(name)
        if pool is None:
            return
        if pool.foreign:
            self._wrong(name, f"{who} deletes someone else's agent pool")
        elif self._has_live_claim(pool) and (why := self._why_keep_pool(pool)):
            self._wrong(name, f"{who} deletes the agent pool of a live claim: {why}")
        elif why := self._why_still_drains(pool):
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
                if why := self._why_keep_claim(pool) or self._why_not_repair(pool):
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

    # The rate of calls.

    def on_arm_call(self, process: Process, lane: str, about: str) -> None:
        self._count("ARM calls", self.bounds.arm_calls_per_minute, "")
        if about:
            self._count(f"ARM calls for {about}", self.bounds.arm_calls_per_claim, about)
        place = (process, lane)
        if self.sim.now < self._shut.get(place, 0.0) - 0.1:
            self._early[place] += 1
            if self._early[place] == _EARLY_CALLS + 1:
                self.report(
                    ViolationKind.STUCK, about, f"{process.name} ignores Retry-After of {lane}"
                )

    def on_api_call(self, who: str, writes: bool) -> None:
        if writes:
            self._count("API writes", self.bounds.api_writes_per_minute, "")

    def on_throttled(self, process: Process, lane: str, seconds: float) -> None:
        """Record for how long the process must not call."""
        place = (process, lane)
        self._shut[place] = max(self._shut.get(place, 0.0), self.sim.now + seconds)
        self._early[place] = 0

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
            self._ended.append(self.sim.now)
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
        if node and self.nodes.get(uid) != node:
            self.nodes[uid] = node
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

    def _why_keep_pool(self, pool: AgentPool) -> str:
        """Why this pool of a live claim must be kept, by the true state; empty if it may go."""
        lag, now = self.bounds.lag, self.sim.now
        if why := self._why_keep_machine(pool.vm):
            return why
        if not pool.has_failed:
            return f"it is {pool.state.value} and has never failed"
        if not pool.state.failed and now - pool.since > lag:
            return f"it has been {pool.state.value} for {now - pool.since:.0f} s"
        vm = pool.vm
        if vm is None or vm.gone or vm.ready_at is None or vm.joined:
            return ""
        if now < vm.ready_at < pool.since + FAILED_POOL_GRACE - lag:
            return f"its machine is Ready in {vm.ready_at - now:.0f} s"
        return ""

    def _why_keep_claim(self, pool: AgentPool) -> str:
        lag, now, terms = self.bounds.lag, self.sim.now, self.terms
        if why := self._why_keep_machine(pool.vm):
            return why
        longest = terms.registration_timeout - timedelta(seconds=lag)
        vm = pool.vm
        waits = vm is not None and not (vm.gone or vm.joined or vm.node_removed)
        had = now - (now if pool.succeeded is None else pool.succeeded)
        if waits and had < longest.total_seconds():
            return f"its machine has had only {had:.0f} s to join"
        return ""

    def _why_keep_machine(self, vm: Vm | None) -> str:
        lag, now = self.bounds.lag, self.sim.now
        if vm is None or vm.gone:
            return ""
        if vm.not_ready_cause is NotReadyCause.POWER:
            return "its node is only down with the cluster"
        longest = self.terms.repair_toleration.total_seconds() - lag
        if vm.node_removed:
            # What was broken for long enough before may go whatever happens to its Node.
            was_broken = vm.not_ready_since is not None and now - vm.not_ready_since >= longest
            away, least = now - vm.node_removed_since, self.terms.node_gone_timeout.total_seconds()
            if not was_broken and away < least - lag:
                return f"its Node has been away for {away:.0f} s only"
            return ""
        if vm.ready_since is not None and now - vm.ready_since > lag:
            return f"its node has been Ready for {now - vm.ready_since:.0f} s"
        if vm.not_ready_since is not None and now - vm.not_ready_since < longest:
            return f"its node has not been Ready for {now - vm.not_ready_since:.0f} s only"
        return ""

    def _why_still_drains(self, pool: AgentPool) -> str:
        """Why the machine of a claim that is being deleted is not drained; empty if it is."""
        claim, vm, lag = self._claim_that_ends(pool), pool.vm, self.bounds.lag
        if claim is None or vm is None or vm.gone or vm.ready_since is None or vm.node_removed:
            return ""
        if self.sim.now - vm.ready_since < lag or (pod := self.pods.get(vm.node)) is None:
            return ""
        began = parse_time(claim["metadata"]["deletionTimestamp"])
        lasted = (self.sim.clock.now() - began).total_seconds()
        longest = self.terms.drain_timeout.total_seconds() - lag
        return f"{pod} runs, after {lasted:.0f} s" if lasted < longest else ""

    def _why_not_repair(self, pool: AgentPool) -> str:
        """Why a broken node must not be given up: too many are, so that the cause is elsewhere."""
        vm, lag, now = pool.vm, self.bounds.lag, self.sim.now
        if vm is None or vm.gone or not vm.joined:
            return ""
        vms = [p.vm for p in self._pools() if not p.foreign and p.vm is not None and p.vm.joined]
        broken = [v for v in vms if v.not_ready_since is not None and now - v.not_ready_since > lag]
        # A process may still count claims that have ended since.
        ended = sum(now - moment <= lag + _COUNTED_SECONDS for moment in self._ended)
        if len(broken) > ceil((len(vms) + ended) / 5):
            return f"{len(broken)} of {len(vms)} nodes are broken"
        return ""

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

    def may_repair(self) -> bool:
        """Karpenter's limit: if more than a fifth of all nodes are broken, none is repaired."""
        vms = [pool.vm for pool in self._pools() if not pool.foreign]
        joined = [vm for vm in vms if vm is not None and vm.joined]
        broken = [vm for vm in joined if not vm.is_ready or vm.node_removed]
        return len(broken) <= ceil(len(joined) / 5)

    def _pools(self) -> list[AgentPool]:
        return list(self.arm.pools.values())

    def _count(self, what: str, most: int, about: str) -> None:
        minute = int(self.sim.now // 60)
        if minute != self._minute:
            self._minute, self._calls = minute, Counter()
        self._calls[what] += 1
        if self._calls[what] == most + 1:
            self.report(ViolationKind.STUCK, about, f"a storm: more than {most} {what} a minute")

    def _wrong(self, about: str, what: str) -> None:
        self.report(ViolationKind.WRONGLY_DELETED, about, what)

    def _leaked(self, about: str, what: str) -> None:
        self.report(ViolationKind.LEAKED, about, what)
