"""The conditions about nodes and their claims."""

from dataclasses import dataclass

from kaito_api import condition_types
from kaito_api.conditions import Condition, ConditionStatus, false, find, true, unknown
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE_POOL, Kind
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.nodes.claim_status import (
    ClaimFailure,
    claim_failure,
    claim_is_ready,
    claim_progress,
    missing_kind_message,
    pool_progress,
)
from workspace_controller.settings import NodeProvisioner

# The provisioner deletes claims that fail for one of these reasons, and they are requested again.
# The status keeps the reason until a node is there: the claim that carried it is gone in seconds.
_REPLACED_REASONS = frozenset(
    {
        Reason.REGISTRATION_TIMEOUT,
        Reason.SPOT_EVICTED,
        Reason.NODE_GONE,
        Reason.POOL_SCALED,
        Reason.NODE_UNHEALTHY,
        Reason.POOL_MISSING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFindings:
    """What the conditions report.

    `target` is the number of nodes that the Workspace needs, `reused` how many of them are free
    nodes, and `requested` how many are claimed. `claims` are those that are not being deleted.
    `missing_kind` is the kind to request, where the cluster does not serve it. `workers` are the
    names of the nodes in use, `usable` those that can run a pod now, and `unusable` says why the
    others, and those that are cordoned, cannot.
    """

    target: int
    reused: int
    requested: int
    claims: tuple[Claim, ...]
    missing_kind: Kind | None
    workers: tuple[str, ...]
    usable: tuple[str, ...]
    unusable: tuple[str, ...]
    replaced_failure: ClaimFailure | None


def node_conditions(
    claims: Condition | None, found: NodeFindings, provisioner: NodeProvisioner
) -> tuple[Condition, ...]:
    """The conditions of the claims (where there are any), of the nodes, and of both together."""
    nodes = _nodes_condition(found, provisioner)
    first = (claims,) if claims is not None else ()
    if nodes.is_true:
        resource = true(condition_types.RESOURCE_READY, Reason.NODES_READY, nodes.message)
    else:
        cause = claims if claims is not None and not claims.is_true else nodes
        resource = Condition(
            condition_types.RESOURCE_READY, ConditionStatus.FALSE, cause.reason, cause.message
        )
    return (*first, nodes, resource)


def claim_condition(type_: str | None, found: NodeFindings) -> Condition | None:
    """The condition MachineReady or NodeClaimReady; None with nodeProvisioner byo."""
    if type_ is None:
        return None
    if found.requested <= 0:
        message = f"{found.reused} of {found.target} nodes are reused"
        return true(type_, Reason.NODES_REUSED, message)
    if found.missing_kind is not None:
        return false(type_, Reason.PROVISIONER_MISSING, missing_kind_message(found.missing_kind))
    ready = [c for c in found.claims if c.kind != NODE_POOL and claim_is_ready(c)]
    count = f"{len(ready)} of {found.requested} requested nodes are ready"
    if len(ready) >= found.requested:
        return true(type_, Reason.NODES_PROVISIONED, count)
    failure = _first_failure(found) or found.replaced_failure
    if failure is not None:
        return Condition(type_, ConditionStatus.FALSE, failure.reason, failure.message)
    progress = next((text for claim in found.claims if (text := _progress(claim, found))), "")
    return unknown(type_, Reason.CREATING_NODES, f"{count}: {progress}" if progress else count)


def replaced_claim_failure(observed: Observed, type_: str | None) -> ClaimFailure | None:
    """Why the previous claim was replaced.

    The claim reports it while it is being deleted, and the status keeps it afterwards.
    """
    for claim in observed.claims:
        failure = claim_failure(claim) if claim.deleting else None
        if failure is not None and failure.reason in _REPLACED_REASONS:
            return _named(claim, failure)
    before = find(observed.status.get("conditions") or (), type_ or "")
    if before is not None and before["status"] == "False" and before["reason"] in _REPLACED_REASONS:
        return ClaimFailure(before["reason"], before["message"])
    return None


def _first_failure(found: NodeFindings) -> ClaimFailure | None:
    for claim in found.claims:
        failure = None if claim_is_ready(claim) else claim_failure(claim)
        if failure is not None:
            return _named(claim, failure)
    return None


def _named(claim: Claim, failure: ClaimFailure) -> ClaimFailure:
    return ClaimFailure(failure.reason, f"{claim.kind} {claim.name}: {failure.message}")


def _nodes_condition(found: NodeFindings, provisioner: NodeProvisioner) -> Condition:
    type_ = condition_types.NODES_READY
    count = f"{len(found.usable)} of {found.target} nodes are ready"
    if len(found.usable) >= found.target:
        return true(type_, Reason.NODES_READY, count)
    why = "; ".join(found.unusable)
    if provisioner is NodeProvisioner.BYO and len(found.workers) < found.target:
        more = f"{why}; or set" if why else "set"
        return false(
            type_,
            Reason.NOT_ENOUGH_NODES,
            f"{count}: {more} the labels of resource.labelSelector on more GPU nodes; "
            "nodeProvisioner byo does not request any",
        )
    return false(type_, Reason.NODES_NOT_READY, f"{count}: {why}" if why else count)


def _progress(claim: Claim, found: NodeFindings) -> str:
    """What an unready claim waits for. Once a pool has NodeClaims, those report it instead."""
    if claim.kind != NODE_POOL:
        return claim_progress(claim)
    return "" if any(c.from_pool for c in found.claims) else pool_progress(claim)
