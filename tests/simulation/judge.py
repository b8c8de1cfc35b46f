"""The invariants, checked at every effect against the truth of that moment, not against what the
process could see."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import ceil

from gpu_provisioner.cloud.pools import PoolSpec, PoolState
from gpu_provisioner.settings import Timeouts
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
from tests.simulation.power import ClusterPower
from tests.simulation.process import Process
from tests.simulation.stage import Stage
from tests.simulation.vm import Ill, Vm

CLAIMS = (MACHINE, NODE_CLAIM)
# What the processes of workspace-controller are called.
CONTROLLER = "controller"
# A pool whose create was reported failed is kept so long for its machine.
FAILED_POOL_GRACE = 120.0
# Calls that were decided before the word came, and are sent after it.
_EARLY_CALLS = 2
# Nobody waits longer for a pool without a claim to go, whatever the faults.
LONGEST_ORPHANAGE = 3600.0


class Verdict(StrEnum):
    LEAKED = "leaked"
    WRONGLY_DELETED = "wrongly deleted"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Violation:
    verdict: Verdict
    about: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`lag` is how old a process's knowledge may honestly be; the others are call storms."""

    lag: float
    arm_calls_per_minute: int
    arm_calls_per_claim: int
    api_writes_per_minute: int


@dataclass(eq=False)
class Judge:
    stage: Stage
    server: ApiServer
    arm: Arm
    power: ClusterPower
    terms: Timeouts
    bounds: Bounds
    guilty: Callable[[], None]
    violations: list[Violation] = field(default_factory=list)
    _minute: int = -1
    _calls: Counter[str] = field(default_factory=Counter)
    _shut: dict[tuple[Process, str], float] = field(default_factory=dict)
    _early: Counter[tuple[Process, str]] = field(default_factory=Counter)
    _orphans: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.listen(self._changed)

    # What a process sets out to do.

    def deletes_pool(self, who: str, name: str) -> None:
        pool = self.arm.pools.get(name)
        if pool is None:
            return
        if pool.foreign:
            self._wrong(name, f"{who} deletes someone else's agent pool")
        elif self._has_live_claim(pool) and (why := self._why_keep_pool(pool)):
            self._wrong(name, f"{who} deletes the agent pool of a live claim: {why}")

    def deletes_object(self, who: str, kind: Kind, name: str) -> None:
        if kind is NODE:
            self._deletes_node(who, name)
        elif kind in CLAIMS:
            claim = self.server.find(kind, name)
            if claim is None or is_being_deleted(claim):
                return
            if who.startswith(CONTROLLER):
                self._gives_back(who, claim)
                return
            for pool in self.arm.of(claim["metadata"]["uid"]):
                if why := self._why_keep_claim(pool):
                    self._wrong(name, f"{who} gives up a live claim: {why}")

    def patches_object(self, who: str, kind: Kind, name: str) -> None:
        if kind is NODE and any(p.foreign and p.vm and p.vm.node == name for p in self._pools()):
            self._wrong(name, f"{who} changes someone else's Node")

    def makes_pool(self, who: str, spec: PoolSpec) -> None:
        """At the effect of a create."""
        before, uid = self.arm.pools.get(spec.name), spec.tags["kaito-claim-uid"]
        if before is not None and before.foreign:
            self._wrong(spec.name, f"{who} writes over someone else's agent pool")
        elif before is not None and before.uid != uid and self._has_live_claim(before):
            self._wrong(spec.name, f"{who} writes over the pool of another live claim")
        for other in self.arm.of(uid):
            if other.name != spec.name:
                self._leaked(spec.name, f"a second pool for one claim, after {other.name}")

    # How often it asks.

    def asks_arm(self, process: Process, lane: str, about: str) -> None:
        self._count("ARM calls", self.bounds.arm_calls_per_minute, "")
        if about:
            self._count(f"ARM calls for {about}", self.bounds.arm_calls_per_claim, about)
        place = (process, lane)
        if self.stage.now < self._shut.get(place, 0.0) - 0.1:
            self._early[place] += 1
            if self._early[place] == _EARLY_CALLS + 1:
                self.complain(Verdict.STUCK, about, f"{process.name} ignores Retry-After of {lane}")

    def asks_api(self, who: str, writes: bool) -> None:
        if writes:
            self._count("API writes", self.bounds.api_writes_per_minute, "")

    def throttled(self, process: Process, lane: str, seconds: float) -> None:
        """It was told to stay away for so long."""
        place = (process, lane)
        self._shut[place] = max(self._shut.get(place, 0.0), self.stage.now + seconds)
        self._early[place] = 0

    # What goes on of itself.

    def patrol(self) -> None:
        """Now and then: pools that have gone without a claim for too long."""
        for pool in self._pools():
            if pool.foreign or pool.state is PoolState.DELETING or self._has_live_claim(pool):
                self._orphans.pop(id(pool), None)
                continue
            since = self._orphans.setdefault(id(pool), self.stage.now)
            if self.stage.now - since > LONGEST_ORPHANAGE:
                self._leaked(pool.name, "an agent pool without a claim for an hour")

    def complain(self, verdict: Verdict, about: str, what: str) -> None:
        self.violations.append(Violation(verdict, about, what))
        self.guilty()

    def _changed(self, event: Event) -> None:
        if event.kind in CLAIMS and event.change.type == "DELETED":
            metadata = event.change.manifest["metadata"]
            for pool in self.arm.of(metadata["uid"]):
                self._leaked(metadata["name"], f"the claim went before its pool {pool.name}")
        elif event.kind in CLAIMS and event.change.type == "ADDED":
            self._asks(event.change.manifest)

    def _asks(self, claim: Manifest) -> None:
        """Nobody asks for more nodes than a Workspace wants."""
        if (workspace := self.workspace_of(claim)) is None:
            return
        if len(self.claims_of(workspace)) > workspace["resource"]["count"]:
            self._leaked(claim["metadata"]["name"], "a claim more than its Workspace wants")

    def _gives_back(self, who: str, claim: Manifest) -> None:
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
        """By the truth, why this pool of a live claim must stay; empty when it may go."""
        lag, now = self.bounds.lag, self.stage.now
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
        lag, now, terms = self.bounds.lag, self.stage.now, self.terms
        if why := self._why_keep_machine(pool.vm):
            return why
        longest = terms.registration_timeout - timedelta(seconds=lag)
        waits = pool.vm is not None and not pool.vm.joined and not pool.vm.node_removed
        had = now - (now if pool.succeeded is None else pool.succeeded)
        if waits and had < longest.total_seconds():
            return f"its machine has had only {had:.0f} s to join"
        return ""

    def _why_keep_machine(self, vm: Vm | None) -> str:
        lag, now = self.bounds.lag, self.stage.now
        if vm is None or vm.gone:
            return ""
        if vm.ill is Ill.POWER:
            return "its node is only down with the cluster"
        if vm.node_removed:
            return ""
        if vm.ready_since is not None and now - vm.ready_since > lag:
            return f"its node has been Ready for {now - vm.ready_since:.0f} s"
        longest = self.terms.repair_toleration.total_seconds() - lag
        if vm.ill_since is not None and now - vm.ill_since < longest:
            return f"its node has not been Ready for {now - vm.ill_since:.0f} s only"
        return ""

    def _has_live_claim(self, pool: AgentPool) -> bool:
        return self.claim_of(pool) is not None

    def claim_of(self, pool: AgentPool) -> Manifest | None:
        """The claim of the pool's uid, where it exists and is not being deleted."""
        for kind in CLAIMS:
            claim = self.server.find(kind, pool.tags.get("kaito-claim", pool.name))
            if claim and claim["metadata"]["uid"] == pool.uid and not is_being_deleted(claim):
                return claim
        return None

    def claims_of(self, workspace: Manifest) -> list[Manifest]:
        uid = workspace["metadata"]["uid"]
        claims = (claim for kind in CLAIMS for claim in self.server.all(kind))
        return [claim for claim in claims if labels_of(claim).get(labels.WORKSPACE_UID) == uid]

    def workspace_of(self, claim: Manifest) -> Manifest | None:
        """The Workspace that the claim was made for, where it exists and is not being deleted."""
        has = labels_of(claim)
        place = has.get(labels.WORKSPACE, ""), has.get(labels.WORKSPACE_NAMESPACE, "")
        found = self.server.find(WORKSPACE, *place)
        if found is None or is_being_deleted(found):
            return None
        return found if found["metadata"]["uid"] == has.get(labels.WORKSPACE_UID) else None

    def may_repair(self) -> bool:
        """Karpenter's brake: with more than a fifth of all nodes broken the fault is elsewhere."""
        vms = [pool.vm for pool in self._pools() if not pool.foreign]
        joined = [vm for vm in vms if vm is not None and vm.joined]
        broken = [vm for vm in joined if not vm.is_ready or vm.node_removed]
        return len(broken) <= ceil(len(joined) / 5)

    def _pools(self) -> list[AgentPool]:
        return list(self.arm.pools.values())

    def _count(self, what: str, most: int, about: str) -> None:
        minute = int(self.stage.now // 60)
        if minute != self._minute:
            self._minute, self._calls = minute, Counter()
        self._calls[what] += 1
        if self._calls[what] == most + 1:
            self.complain(Verdict.STUCK, about, f"a storm: more than {most} {what} a minute")

    def _wrong(self, about: str, what: str) -> None:
        self.complain(Verdict.WRONGLY_DELETED, about, what)

    def _leaked(self, about: str, what: str) -> None:
        self.complain(Verdict.LEAKED, about, what)
