"""The nodes of a Workspace: which are used, which are asked for, and what is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kaito_api import labels, reasons
from kaito_api.conditions import Condition, false, find, true, unknown
from kaito_api.reasons import is_permanent
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import NODE_POOL, Kind, Manifest
from workspace_controller.manifests.claims import UNKNOWN_DISK_GIB, NodeNeed
from workspace_controller.manifests.placing import Placing
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.node_sources import SOURCES, asked_for
from workspace_controller.plan.plan import Apply, Create, Delete, Step
from workspace_controller.plan.selecting import (
    ClaimTrouble,
    claim_is_ready,
    claim_progress,
    claim_trouble,
    gpu_limits,
    has_gpus,
    is_free,
    is_own,
    is_ready,
    pool_progress,
    selector_labels,
)
from workspace_controller.settings import NodeProvisioner

# Reasons for which a claim is given up and another made in its place: the user goes on reading why
# until a node is there, and not only for the moment that the old claim takes to go.
_GIVEN_UP = frozenset(
    {"RegistrationTimeout", "SpotEvicted", "NodeGone", "NodeUnhealthy", "PoolMissing"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """`workers` are the names in use, `usable` those of them that can run a pod now."""

    steps: tuple[Step, ...] = ()
    conditions: tuple[Condition, ...]
    target: int
    workers: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    failed: bool = False

    @property
    def asks(self) -> bool:
        """Whether the steps ask for nodes."""
        return any(isinstance(step, Create | Apply) for step in self.steps)

    @property
    def ready(self) -> bool:
        return len(self.usable) >= self.target


def placing(o: Observed, spec: WorkspaceSpec) -> Placing:
    return Placing(
        owner=o.owner,
        node_labels=selector_labels(spec),
        instance_type=instance_type(o, spec),
        gpus=gpu_limits(spec, o.gpus),
    )


def instance_type(o: Observed, spec: WorkspaceSpec) -> str:
    """As the cloud spells it; empty where nodes are brought along."""
    return o.sku.name if o.sku else spec.resource.instance_type or ""


def decide_nodes(o: Observed, spec: WorkspaceSpec, target: int) -> Nodes:
    """Ready nodes that match come first; for the rest new ones are asked for."""
    source = SOURCES[o.settings.node_provisioner]
    own = [node for node in o.nodes if is_own(node, o.owner)]
    reused = _reused(o, spec, target - asked_for(o.claims))
    steps = source.ask(_need(o, spec, target - len(reused)), o.claims)
    missing = next((step.kind for step in steps if step.kind in o.unknown_kinds), None)
    workers = sorted([*own, *reused], key=lambda node: str(node["metadata"]["name"]))
    usable = [node for node in workers if _is_usable(o, spec, node)]
    found = _Found(
        reused=len(reused),
        asked=target - len(reused),
        claims=[claim for claim in o.claims if not claim.leaving],
        missing=missing,
        target=target,
        names=tuple(node["metadata"]["name"] for node in workers),
        usable=tuple(node["metadata"]["name"] for node in usable),
        unready=tuple(_why_unusable(o, spec, node) for node in workers if node not in usable),
        given_up=_given_up(o, source.condition),
    )
    claims = _claim_condition(source.condition, found)
    return Nodes(
        steps=() if missing else steps,
        conditions=_conditions(claims, found, o.settings.node_provisioner),
        target=target,
        workers=found.names,
        usable=found.usable,
        failed=claims is not None and not claims.is_true and is_permanent(claims.reason),
    )


def release(o: Observed) -> tuple[Step, ...]:
    """Gives back every node that was asked for."""
    return given_back(o.claims)


def given_back(claims: Sequence[Claim]) -> tuple[Delete, ...]:
    """A pool goes before its claims, which would come again otherwise; others go with it."""
    pools = any(claim.kind == NODE_POOL for claim in claims)
    going = [c for c in claims if not c.leaving and not (pools and c.of_pool)]
    return tuple(Delete(claim.kind, claim.name) for claim in going)


def released(o: Observed, target: int) -> Nodes:
    """The nodes of a Workspace whose work is done."""
    message = "the work is done and the nodes were given back"
    types = [SOURCES[o.settings.node_provisioner].condition]
    types += [reasons.NODES_READY, reasons.RESOURCE_READY]
    return Nodes(
        steps=release(o),
        conditions=tuple(false(type_, "NodesReleased", message) for type_ in types if type_),
        target=target,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    reused: int
    asked: int
    claims: list[Claim]
    missing: Kind | None
    target: int
    names: tuple[str, ...]
    usable: tuple[str, ...]
    unready: tuple[str, ...]
    given_up: ClaimTrouble | None

    @property
    def enough(self) -> bool:
        return len(self.usable) >= self.target


def _given_up(o: Observed, type_: str | None) -> ClaimTrouble | None:
    """Why the claim before the present one was given up: as it says itself while it goes, and
    as the status still says afterwards."""
    for claim in o.claims:
        trouble = claim_trouble(claim) if claim.leaving else None
        if trouble is not None and trouble.reason in _GIVEN_UP:
            return replace(trouble, message=f"{claim.kind} {claim.name}: {trouble.message}")
    before = find(o.status.get("conditions") or (), type_ or "")
    if before is not None and before["status"] == "False" and before["reason"] in _GIVEN_UP:
        return ClaimTrouble(before["reason"], before["message"])
    return None


def _reused(o: Observed, spec: WorkspaceSpec, count: int) -> list[Manifest]:
    """Free nodes to use: first those in use already, also while one of them is not ready, so
    that a node that restarts is not replaced by a new one that costs."""
    wanted, type_ = selector_labels(spec), instance_type(o, spec)
    using, preferred = o.status.get("workerNodes") or (), spec.resource.preferred_nodes

    def rank(node: Manifest) -> tuple[bool, bool, str]:
        name = node["metadata"]["name"]
        return (name not in using, name not in preferred, name)

    free = [
        node
        for node in o.nodes
        if is_free(node, wanted, type_)
        and node["metadata"]["name"] not in o.held
        and (node["metadata"]["name"] in using or _is_usable(o, spec, node))
    ]
    return sorted(free, key=rank)[: max(0, count)]


def _need(o: Observed, spec: WorkspaceSpec, count: int) -> NodeNeed:
    return NodeNeed(
        owner=o.owner,
        count=max(0, count),
        instance_type=instance_type(o, spec),
        node_labels=selector_labels(spec),
        disk_gib=_disk(o, spec),
        node_annotations={
            name: o.annotations[name] for name in labels.NODE_ANNOTATIONS if o.annotations.get(name)
        },
        node_class=o.settings.node_class,
    )


def _disk(o: Observed, spec: WorkspaceSpec) -> int:
    if o.preset is None:
        return UNKNOWN_DISK_GIB
    tuning = o.preset.tuning if spec.tuning is not None else None
    return max(o.preset.disk_gib, tuning.disk_gib if tuning else 0)


def _is_usable(o: Observed, spec: WorkspaceSpec, node: Manifest) -> bool:
    return is_ready(node) and _gpus_are_there(o, spec, node)


def _gpus_are_there(o: Observed, spec: WorkspaceSpec, node: Manifest) -> bool:
    return not o.settings.gpu_node_ready or has_gpus(node, gpu_limits(spec, o.gpus))


def _why_unusable(o: Observed, spec: WorkspaceSpec, node: Manifest) -> str:
    name = node["metadata"]["name"]
    if not is_ready(node):
        return f"{name} is not Ready"
    wanted = ", ".join(f"{r}: {n}" for r, n in gpu_limits(spec, o.gpus).items())
    return f"{name} does not advertise {wanted}"


def _claim_condition(type_: str | None, found: _Found) -> Condition | None:
    if type_ is None:
        return None
    if found.asked <= 0:
        return true(type_, "NodesReused", f"{found.reused} of {found.target} nodes were there")
    if found.missing is not None:
        return false(type_, "ProvisionerMissing", missing_kind(found.missing))
    ready = [c for c in found.claims if c.kind != NODE_POOL and claim_is_ready(c)]
    if len(ready) >= found.asked:
        return true(type_, "NodesProvisioned", f"{len(ready)} of {found.asked} are ready")
    for claim in found.claims:
        trouble = None if claim_is_ready(claim) else claim_trouble(claim)
        if trouble is not None:
            return false(type_, trouble.reason, f"{claim.kind} {claim.name}: {trouble.message}")
    if found.given_up is not None:
        return false(type_, found.given_up.reason, found.given_up.message)
    said = next((text for claim in found.claims if (text := _progress(claim, found))), "")
    message = f"{len(ready)} of {found.asked} nodes that were asked for are ready"
    return unknown(type_, "CreatingNodes", f"{message}: {said}" if said else message)


def missing_kind(kind: Kind) -> str:
    return f"the cluster knows no {kind} ({kind.api_version})"


def _progress(claim: Claim, found: _Found) -> str:
    """What an unready claim waits for. A pool has nothing to tell once it has made claims."""
    if claim.kind != NODE_POOL:
        return claim_progress(claim)
    return "" if any(c.of_pool for c in found.claims) else pool_progress(claim)


def _conditions(
    claims: Condition | None, found: _Found, provisioner: NodeProvisioner
) -> tuple[Condition, ...]:
    nodes = _nodes_condition(found, provisioner)
    first = (claims,) if claims is not None else ()
    if nodes.is_true:
        whole = true(reasons.RESOURCE_READY, "NodesReady", nodes.message)
    else:
        blame = claims if claims is not None and not claims.is_true else nodes
        whole = false(reasons.RESOURCE_READY, blame.reason, blame.message)
    return (*first, nodes, whole)


def _nodes_condition(found: _Found, provisioner: NodeProvisioner) -> Condition:
    count = f"{len(found.usable)} of {found.target} nodes are ready"
    if found.enough:
        return true(reasons.NODES_READY, "NodesReady", count)
    if provisioner is NodeProvisioner.BYO and len(found.names) < found.target:
        return false(
            reasons.NODES_READY,
            "NotEnoughNodes",
            f"{count}: label more GPU nodes with resource.labelSelector, and none is asked for "
            "with nodeProvisioner byo",
        )
    why = "; ".join(found.unready)
    return false(reasons.NODES_READY, "NodesNotReady", f"{count}: {why}" if why else count)
