"""Once nothing goes wrong any more: what keeps a run from being over. Pure looks at the truth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpu_provisioner.cloud.errors import LaunchRefused
from kaito_api import conditions, labels
from kaito_api.reasons import REASONS
from kaito_kube.kinds import NODE, WORKSPACE, Kind, Manifest, is_being_deleted
from tests.simulation.api_server import ApiServer
from tests.simulation.arm import AgentPool, Arm
from tests.simulation.judge import CLAIMS, Judge, Verdict, Violation
from tests.simulation.sold import TYPES
from tests.simulation.vm import Ill


@dataclass(frozen=True, slots=True)
class Truth:
    """`wanted` are the claims that somebody wants to exist, by name."""

    server: ApiServer
    arm: Arm
    judge: Judge
    wanted: Mapping[str, Kind]


def unsettled(truth: Truth) -> list[Violation]:
    """Everything that is not yet as it must be in the end."""
    return [*_pools(truth), *_nodes(truth), *_claims(truth), *_workspaces(truth)]


def _pools(truth: Truth) -> Iterator[Violation]:
    for pool in truth.arm.pools.values():
        if not pool.foreign and truth.judge.claim_of(pool) is None:
            yield Violation(Verdict.LEAKED, pool.name, f"agent pool {pool.name} has no claim")


def _nodes(truth: Truth) -> Iterator[Violation]:
    running = {p.vm.node for p in truth.arm.pools.values() if p.vm is not None and not p.vm.gone}
    for node in truth.server.all(NODE):
        name = node["metadata"]["name"]
        if name not in running:
            yield Violation(Verdict.STUCK, name.split("-")[1], f"Node {name} has no machine")


def _claims(truth: Truth) -> Iterator[Violation]:
    there: set[str] = set()
    for kind in CLAIMS:
        for claim in truth.server.all(kind):
            name = claim["metadata"]["name"]
            there.add(name)
            if name not in truth.wanted and not is_being_deleted(claim):
                yield Violation(Verdict.LEAKED, name, f"nobody wants {kind} {name}")
            if why := _why_open(truth, claim):
                yield Violation(Verdict.STUCK, name, f"{kind} {name} {why}")
    for name in truth.wanted:
        if name not in there:
            yield Violation(Verdict.STUCK, name, "the claim is wanted and is not there")


def _workspaces(truth: Truth) -> Iterator[Violation]:
    """Each says what its claims say."""
    for workspace in truth.server.all(WORKSPACE):
        name = workspace["metadata"]["name"]
        if is_being_deleted(workspace):
            yield Violation(Verdict.STUCK, "", f"Workspace {name} is still being deleted")
            continue
        claims = truth.judge.claims_of(workspace)
        found = (workspace.get("status") or {}).get("conditions") or ()
        told = conditions.find(found, "ResourceReady") or {}
        ready = all(conditions.is_true(claim, "Ready") for claim in claims)
        if (told.get("status") == "True") != ready or told.get("reason") not in REASONS:
            what = f"says ResourceReady={told.get('status')}/{told.get('reason')}"
            yield Violation(Verdict.STUCK, "", f"Workspace {name} {what}, and its claims do not")


def _why_open(truth: Truth, claim: Manifest) -> str:
    """Why this claim is not at its end; empty when it is Ready, or failed for a true reason."""
    if is_being_deleted(claim):
        return "is still being deleted"
    ready = conditions.find((claim.get("status") or {}).get("conditions") or (), "Ready") or {}
    status, reason = ready.get("status", "Unknown"), ready.get("reason", "")
    pool = next(iter(truth.arm.of(claim["metadata"]["uid"])), None)
    if status == "True":
        return "" if _works(pool) else "says Ready, and its machine does not work"
    if reason not in REASONS:
        return f"gives a reason that nobody explains: {reason!r}"
    if status == "False" and _has_obstacle(truth, claim, pool):
        return ""
    return f"is Ready={status}/{reason}, and nothing stands in its way"


def _works(pool: AgentPool | None) -> bool:
    vm = pool.vm if pool is not None else None
    return vm is not None and vm.is_ready and vm.has_gpus and not vm.node_removed


def _has_obstacle(truth: Truth, claim: Manifest, pool: AgentPool | None) -> bool:
    """Whether the truth, not a process's memory, keeps it from being Ready."""
    if pool is not None:
        vm = pool.vm
        broken = vm is not None and (vm.ill is Ill.BROKEN or vm.node_removed)
        return broken and not truth.judge.may_repair()
    if claim["spec"]["resources"]["requests"]["storage"] == "9Ti":
        return True
    if (other := truth.arm.pools.get(claim["metadata"]["name"])) is not None and other.foreign:
        return True
    return not any(_is_sold(truth, name) for name in _types(claim))


def _types(claim: Manifest) -> list[str]:
    asked = claim["spec"]["requirements"]
    return [v for r in asked if r["key"] == labels.INSTANCE_TYPE for v in r["values"]]


def _is_sold(truth: Truth, name: str) -> bool:
    try:
        truth.arm.region.check(TYPES[name])
    except LaunchRefused:
        return False
    return True
