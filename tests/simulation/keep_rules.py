"""What a machine that looks late, broken or lost must be given before it may go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

from gpu_provisioner.settings import Timeouts
from kaito_api.conditions import parse_time
from kaito_kube.kinds import Manifest
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.simulation import Simulation
from tests.simulation.vm import NotReadyCause, Vm

# How long a pool whose create was reported as failed is kept for its machine, in seconds.
_FAILED_POOL_GRACE = 120.0
# How long a spot machine is kept whose Node is missing. After an eviction, too, the pool stays as
# it was, so that nobody can tell one from a Node that a user deleted.
_SPOT_PATIENCE = 60.0
# For how long a process uses its count of broken nodes.
_COUNTED_SECONDS = 5.0


@dataclass(eq=False)
class KeepRules:
    """`lag` is how old a process's knowledge may be. `pods` are the names of the pods that run, by
    node, and `ended` the times at which claims have ended."""

    sim: Simulation
    arm: Arm
    terms: Timeouts
    lag: float
    pods: Mapping[str, str]
    ended: list[float] = field(default_factory=list)

    def why_keep_pool(self, pool: AgentPool) -> str:
        """Why this pool of a live claim must be kept, by the true state; empty if it may go."""
        lag, now = self.lag, self.sim.now
        if why := self._why_keep_machine(pool.vm):
            return why
        if not pool.has_failed:
            return f"it is {pool.state.value} and has never failed"
        if not pool.state.failed and now - pool.since > lag:
            return f"it has been {pool.state.value} for {now - pool.since:.0f} s"
        vm = pool.vm
        if vm is None or vm.gone or vm.ready_at is None or vm.joined:
            return ""
        if now < vm.ready_at < pool.since + _FAILED_POOL_GRACE - lag:
            return f"its machine is Ready in {vm.ready_at - now:.0f} s"
        return ""

    def why_keep_claim(self, pool: AgentPool) -> str:
        lag, now, terms = self.lag, self.sim.now, self.terms
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
        lag, now = self.lag, self.sim.now
        if vm is None or vm.gone:
            return ""
        if vm.not_ready_cause is NotReadyCause.POWER:
            return "its node is only down with the cluster"
        longest = self.terms.repair_toleration.total_seconds() - lag
        if vm.node_removed:
            # What was broken for long enough before may go whatever happens to its Node.
            was_broken = vm.not_ready_since is not None and now - vm.not_ready_since >= longest
            away, least = now - vm.node_removed_since, self._node_patience(vm)
            if not was_broken and away < least - lag:
                return f"its Node has been away for {away:.0f} s only"
            return ""
        if vm.ready_since is not None and now - vm.ready_since > lag:
            return f"its node has been Ready for {now - vm.ready_since:.0f} s"
        if vm.not_ready_since is not None and now - vm.not_ready_since < longest:
            return f"its node has not been Ready for {now - vm.not_ready_since:.0f} s only"
        return ""

    def _node_patience(self, vm: Vm) -> float:
        """For how many seconds the machine's Node may be missing."""
        seconds = self.terms.node_gone_timeout.total_seconds()
        return min(seconds, _SPOT_PATIENCE) if vm.spot else seconds

    def why_still_drains(self, pool: AgentPool, claim: Manifest | None) -> str:
        """Why the machine of a claim that is being deleted is not drained; empty if it is."""
        vm, lag = pool.vm, self.lag
        if claim is None or vm is None or vm.gone or vm.ready_since is None or vm.node_removed:
            return ""
        if self.sim.now - vm.ready_since < lag or (pod := self.pods.get(vm.node)) is None:
            return ""
        began = parse_time(claim["metadata"]["deletionTimestamp"])
        lasted = (self.sim.clock.now() - began).total_seconds()
        longest = self.terms.drain_timeout.total_seconds() - lag
        return f"{pod} runs, after {lasted:.0f} s" if lasted < longest else ""

    def why_not_repair(self, pool: AgentPool, claim: Manifest) -> str:
        """Why a broken node must not be given up: too many are, so that the cause is elsewhere."""
        vm, lag, now = pool.vm, self.lag, self.sim.now
        if vm is None or vm.gone or not vm.joined:
            return ""
        if vm.node_removed and not (claim.get("status") or {}).get("nodeName"):
            # A user deleted the Node before any process saw it: the machine never joined, as far
            # as anybody can know, and those that do not join are replaced however many break.
            return ""
        if vm.spot and vm.node_removed:
            # It looks evicted, which says nothing about the cluster, however many others break.
            return ""
        vms = [
            p.vm
            for p in self.arm.pools.values()
            if not p.foreign and p.vm is not None and p.vm.joined
        ]
        broken = [v for v in vms if v.not_ready_since is not None and now - v.not_ready_since > lag]
        # A process may still count claims that have ended since.
        ended = sum(now - moment <= lag + _COUNTED_SECONDS for moment in self.ended)
        if len(broken) > ceil((len(vms) + ended) / 5):
            return f"{len(broken)} of {len(vms)} nodes are broken"
        return ""

    def may_repair(self) -> bool:
        """Karpenter's limit: if more than a fifth of all nodes are broken, none is repaired."""
        vms = [pool.vm for pool in self.arm.pools.values() if not pool.foreign]
        joined = [vm for vm in vms if vm is not None and vm.joined]
        broken = [vm for vm in joined if not vm.is_ready or vm.node_removed]
        return len(broken) <= ceil(len(joined) / 5)
