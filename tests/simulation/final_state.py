"""Checks whether a run has settled, from the true state. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.cloud.pools import PoolState
from kaito_api import conditions, labels
from kaito_api.reasons import REASONS
from kaito_kube.kinds import NODE, WORKSPACE, Kind, Manifest, is_being_deleted
from tests.simulation.api_server import ApiServer
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.invariants import CLAIMS, InvariantChecker
from tests.simulation.region import TYPES
from tests.simulation.violation import Violation, ViolationKind
from tests.simulation.vm import NotReadyCause


@dataclass(frozen=True, slots=True)
class FinalState:
    """`desired` are the claims that should exist, by name."""

    server: ApiServer
    arm: Arm
    checker: InvariantChecker
    desired: Mapping[str, Kind]


def unsettled(final: FinalState) -> list[Violation]:
    """Everything that has not settled yet."""
    return [*_pools(final), *_nodes(final), *_claims(final), *_workspaces(final)]


def _pools(final: FinalState) -> Iterator[Violation]:
    for pool in final.arm.pools.values():
        if not pool.foreign and final.checker.claim_of(pool) is None:
            yield Violation(ViolationKind.LEAKED, pool.name, f"agent pool {pool.name} has no claim")
        elif not pool.foreign and pool.state is PoolState.SUCCEEDED and not _is_marked(pool):
            yield Violation(ViolationKind.STUCK, pool.name, "the pool's marks are not put back")


def _is_marked(pool: AgentPool) -> bool:
    """Whether tags, whose names have no case, and labels name the claim."""
    tags = {name.lower(): value for name, value in pool.tags.items()}
    return tags.get("kaito-claim-uid") == pool.uid == pool.labels.get(labels.CLAIM_UID)


def _nodes(final: FinalState) -> Iterator[Violation]:
    running = {p.vm.node for p in final.arm.pools.values() if p.vm is not None and not p.vm.gone}
    for node in final.server.all(NODE):
        name = node["metadata"]["name"]
        if name not in running:
            yield Violation(ViolationKind.STUCK, name.split("-")[1], f"Node {name} has no machine")


def _claims(final: FinalState) -> Iterator[Violation]:
    there: set[str] = set()
    for kind in CLAIMS:
        for claim in final.server.all(kind):
            name = claim["metadata"]["name"]
            there.add(name)
            if name not in final.desired and not is_being_deleted(claim):
                yield Violation(ViolationKind.LEAKED, name, f"nobody wants {kind} {name}")
            if why := _why_open(final, claim):
                yield Violation(ViolationKind.STUCK, name, f"{kind} {name} {why}")
    for name in final.desired:
        if name not in there:
            yield Violation(ViolationKind.STUCK, name, "the claim is wanted and is not there")


def _workspaces(final: FinalState) -> Iterator[Violation]:
    """Each Workspace must report the state of its claims."""
    for workspace in final.server.all(WORKSPACE):
        name = workspace["metadata"]["name"]
        if is_being_deleted(workspace):
            yield Violation(ViolationKind.STUCK, "", f"Workspace {name} is still being deleted")
            continue
        claims = final.checker.claims_of(workspace)
        found = (workspace.get("status") or {}).get("conditions") or ()
        reported = conditions.find(found, "ResourceReady") or {}
        ready = bool(claims) and all(conditions.is_true(claim, "Ready") for claim in claims)
        if (reported.get("status") == "True") != ready or reported.get("reason") not in REASONS:
            what = f"says ResourceReady={reported.get('status')}/{reported.get('reason')}"
            yield Violation(
                ViolationKind.STUCK, "", f"Workspace {name} {what}, and its claims do not"
            )


def _why_open(final: FinalState, claim: Manifest) -> str:
    """Why the claim has not settled; empty if it is Ready, or failed for a reason that is true."""
    if is_being_deleted(claim):
        return "is still being deleted"
    ready = conditions.find((claim.get("status") or {}).get("conditions") or (), "Ready") or {}
    status, reason = ready.get("status", "Unknown"), ready.get("reason", "")
    pool = next(iter(final.arm.pools_of(claim["metadata"]["uid"])), None)
    if status == "True":
        return "" if _works(pool) else "says Ready, and its machine does not work"
    if reason not in REASONS:
        return f"gives a reason that nobody explains: {reason!r}"
    if status == "False" and _has_reason_to_wait(final, claim, pool):
        return ""
    return f"is Ready={status}/{reason}, and nothing stands in its way"


def _works(pool: AgentPool | None) -> bool:
    vm = pool.vm if pool is not None else None
    return vm is not None and vm.is_ready and vm.has_gpus and not vm.node_removed


def _has_reason_to_wait(final: FinalState, claim: Manifest, pool: AgentPool | None) -> bool:
    """Whether the true state prevents the claim from becoming Ready."""
    if pool is not None:
        vm = pool.vm
        broken = vm is not None and (vm.not_ready_cause is NotReadyCause.BROKEN or vm.node_removed)
        return broken and not final.checker.keep_rules.may_repair()
    if claim["spec"]["resources"]["requests"]["storage"] == "9Ti":
        return True
    if (other := final.arm.pools.get(claim["metadata"]["name"])) is not None and other.foreign:
        return True
    return not any(_is_sold(final, name) for name in _types(claim))


def _types(claim: Manifest) -> list[str]:
    asked = claim["spec"]["requirements"]
    return [v for r in asked if r["key"] == labels.INSTANCE_TYPE for v in r["values"]]


def _is_sold(final: FinalState, name: str) -> bool:
    try:
        final.arm.region.check(TYPES[name])
    except LaunchRefused:
        return False
    return True
