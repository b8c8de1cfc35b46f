"""The conditions about nodes and their claims."""

from dataclasses import dataclass, replace

from kaito_api import condition_types
from kaito_api.conditions import Condition, ConditionStatus, false, find, true, unknown
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE_POOL, Kind
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.nodes.claim_status import (
    Failure,
    claim_failure,
    claim_is_ready,
    claim_progress,
    missing_kind_message,
    pool_progress,
)
from workspace_controller.settings import NodeProvisioner

# Reasons for which a claim is given up and another made in its place: the user goes on reading why
# until a node is there, and not only for the moment that the old claim takes to go.
_REPLACED_REASONS = frozenset(
    {
        Reason.REGISTRATION_TIMEOUT,
        Reason.SPOT_EVICTED,
        Reason.NODE_GONE,
        Reason.NODE_UNHEALTHY,
        Reason.POOL_MISSING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFindings:
    reused: int
    asked: int
    claims: list[Claim]
    missing: Kind | None
    target: int
    names: tuple[str, ...]
    usable: tuple[str, ...]
    unready: tuple[str, ...]
    replaced_failure: Failure | None

    @property
    def enough(self) -> bool:
        return len(self.usable) >= self.target


def node_conditions(
    claims: Condition | None, found: NodeFindings, provisioner: NodeProvisioner
) -> tuple[Condition, ...]:
    nodes = _nodes_condition(found, provisioner)
    first = (claims,) if claims is not None else ()
    if nodes.is_true:
        whole = true(condition_types.RESOURCE_READY, Reason.NODES_READY, nodes.message)
    else:
        blame = claims if claims is not None and not claims.is_true else nodes
        whole = Condition(
            condition_types.RESOURCE_READY, ConditionStatus.FALSE, blame.reason, blame.message
        )
    return (*first, nodes, whole)


def claim_condition(type_: str | None, found: NodeFindings) -> Condition | None:
    if type_ is None:
        return None
    if found.asked <= 0:
        return true(
            type_, Reason.NODES_REUSED, f"{found.reused} of {found.target} nodes were there"
        )
    if found.missing is not None:
        return false(type_, Reason.PROVISIONER_MISSING, missing_kind_message(found.missing))
    ready = [c for c in found.claims if c.kind != NODE_POOL and claim_is_ready(c)]
    if len(ready) >= found.asked:
        return true(type_, Reason.NODES_PROVISIONED, f"{len(ready)} of {found.asked} are ready")
    for claim in found.claims:
        failure = None if claim_is_ready(claim) else claim_failure(claim)
        if failure is not None:
            message = f"{claim.kind} {claim.name}: {failure.message}"
            return Condition(type_, ConditionStatus.FALSE, failure.reason, message)
    if found.replaced_failure is not None:
        return Condition(
            type_,
            ConditionStatus.FALSE,
            found.replaced_failure.reason,
            found.replaced_failure.message,
        )
    said = next((text for claim in found.claims if (text := _progress(claim, found))), "")
    message = f"{len(ready)} of {found.asked} nodes that were asked for are ready"
    return unknown(type_, Reason.CREATING_NODES, f"{message}: {said}" if said else message)


def _nodes_condition(found: NodeFindings, provisioner: NodeProvisioner) -> Condition:
    count = f"{len(found.usable)} of {found.target} nodes are ready"
    if found.enough:
        return true(condition_types.NODES_READY, Reason.NODES_READY, count)
    if provisioner is NodeProvisioner.BYO and len(found.names) < found.target:
        return false(
            condition_types.NODES_READY,
            Reason.NOT_ENOUGH_NODES,
            f"{count}: label more GPU nodes with resource.labelSelector, and none is asked for "
            "with nodeProvisioner byo",
        )
    why = "; ".join(found.unready)
    return false(
        condition_types.NODES_READY, Reason.NODES_NOT_READY, f"{count}: {why}" if why else count
    )


def _progress(claim: Claim, found: NodeFindings) -> str:
    """What an unready claim waits for. A pool has nothing to tell once it has made claims."""
    if claim.kind != NODE_POOL:
        return claim_progress(claim)
    return "" if any(c.from_pool for c in found.claims) else pool_progress(claim)


def replaced_claim_failure(observed: Observed, type_: str | None) -> Failure | None:
    """Why the claim before the present one was given up: as it says itself while it goes, and
    as the status still says afterwards."""
    for claim in observed.claims:
        failure = claim_failure(claim) if claim.deleting else None
        if failure is not None and failure.reason in _REPLACED_REASONS:
            return replace(failure, message=f"{claim.kind} {claim.name}: {failure.message}")
    before = find(observed.status.get("conditions") or (), type_ or "")
    if before is not None and before["status"] == "False" and before["reason"] in _REPLACED_REASONS:
        return Failure(before["reason"], before["message"])
    return None
