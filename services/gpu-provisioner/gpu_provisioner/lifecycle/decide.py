"""Decides what to do about a claim: from what was observed to a plan. Pure and total."""

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.lifecycle.drift import drift
from gpu_provisioner.lifecycle.expiration import expiration
from gpu_provisioner.lifecycle.health import health
from gpu_provisioner.lifecycle.initialization import initialization
from gpu_provisioner.lifecycle.launch import launch
from gpu_provisioner.lifecycle.mark_repair import mark_repair
from gpu_provisioner.lifecycle.node_patches import merge_node_patches
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import AddFinalizer, Plan, StageResult
from gpu_provisioner.lifecycle.registration import registration
from gpu_provisioner.lifecycle.termination import terminate
from kaito_api import conditions
from kaito_api.conditions import Condition, ConditionStatus
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest

_PENDING = frozenset(
    {
        Reason.LAUNCH_PENDING,
        Reason.LAUNCH_QUEUED,
        Reason.REGISTRATION_PENDING,
        Reason.INITIALIZATION_PENDING,
    }
)
# The first listing takes a moment after the start of the process.
_NOT_LISTED_SECONDS = 2.0


def decide(observed: Observed) -> Plan:
    claim = observed.claim
    if claim.deleted is not None and not claim.has_finalizer:
        return Plan()
    if claim.deleted is None and not claim.has_finalizer:
        return Plan(actions=(AddFinalizer(),))
    if observed.listed_at is None:
        return Plan(requeue_after_seconds=_NOT_LISTED_SECONDS)
    return terminate(observed) if claim.deleted is not None else _decide_live(observed)


def _decide_live(observed: Observed) -> Plan:
    stages = _run_stages(observed)
    results = [*stages, mark_repair(observed), expiration(observed)]
    delays = [r.requeue_after_seconds for r in results if r.requeue_after_seconds is not None]
    return Plan(
        actions=merge_node_patches(action for result in results for action in result.actions),
        status=_status(observed, stages),
        requeue_after_seconds=min(delays, default=None),
        disruption=next((r.disruption for r in results if r.disruption is not None), None),
    )


def _run_stages(observed: Observed) -> list[StageResult]:
    """Run the stages in order, each only after the one before is done."""
    results: list[StageResult] = []
    for stage in (launch, registration, initialization, health):
        results.append(stage(observed))
        if not results[-1].done:
            break
    return results


def _status(observed: Observed, stages: list[StageResult]) -> Manifest:
    claim = observed.claim
    current = {stage.condition.type: stage.condition for stage in stages if stage.condition}
    current.setdefault("Ready", _not_ready(stages[-1]))
    if (drifted := drift(observed)) is not None:
        current[drifted.type] = drifted
    if claim.node_name:
        # A machine that joined keeps what it reached, also while an earlier stage fails.
        types = _lifecycle_types(claim)
        current = {
            c["type"]: conditions.from_manifest(c) for c in claim.conditions if c["type"] in types
        } | current
    order = (*_lifecycle_types(claim), claim.kind.drifted, "Ready")
    desired = [current[type_] for type_ in order if type_ in current]
    status: Manifest = {"conditions": conditions.merge(claim.conditions, desired, observed.now)}
    if observed.node is not None and not observed.is_name_taken:
        status |= _node_status(observed.node)
    if observed.pool is not None and observed.pool.image and stages[0].done:
        status["imageID"] = observed.pool.image
    return status


def _lifecycle_types(claim: Claim) -> tuple[str, str, str]:
    return (claim.kind.launched, claim.kind.registered, claim.kind.initialized)


def _not_ready(last: StageResult) -> Condition:
    """Return the Ready condition of a claim whose last stage is not done. It is Unknown only
    while that stage has just begun."""
    condition = last.condition
    assert condition is not None
    status = condition.status
    if status is ConditionStatus.UNKNOWN and condition.reason not in _PENDING:
        status = ConditionStatus.FALSE
    return Condition("Ready", status, condition.reason, condition.message)


def _node_status(node: Manifest) -> Manifest:
    status = node.get("status") or {}
    provider_id = (node.get("spec") or {}).get("providerID")
    return {
        "nodeName": node["metadata"]["name"],
        **({"providerID": provider_id} if provider_id else {}),
        "capacity": status.get("capacity") or {},
        "allocatable": status.get("allocatable") or {},
    }
