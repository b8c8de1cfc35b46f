"""The one decision about a claim: from what was observed to a plan. Pure and total."""

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.lifecycle.drift import drift
from gpu_provisioner.lifecycle.expiration import expiry
from gpu_provisioner.lifecycle.health import health
from gpu_provisioner.lifecycle.initialization import initialization
from gpu_provisioner.lifecycle.launch import launch
from gpu_provisioner.lifecycle.node_patches import gathered
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import AddFinalizer, Plan, Step
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
_UNKNOWN_SECONDS = 2.0


def decide(observed: Observed) -> Plan:
    claim = observed.claim
    if claim.deleted is not None and not claim.has_finalizer:
        return Plan()
    if claim.deleted is None and not claim.has_finalizer:
        return Plan(actions=(AddFinalizer(),))
    if observed.listed is None:
        return Plan(look_again=_UNKNOWN_SECONDS)
    return terminate(observed) if claim.deleted is not None else _live(observed)


def _live(observed: Observed) -> Plan:
    steps = _steps(observed)
    every = [*steps, expiry(observed)]
    return Plan(
        actions=gathered(action for step in every for action in step.actions),
        status=_status(observed, steps),
        look_again=min((s.look_again for s in every if s.look_again is not None), default=None),
        gives_up=next((s.gives_up for s in every if s.gives_up is not None), None),
    )


def _steps(observed: Observed) -> list[Step]:
    """Each step's turn comes when the one before is done."""
    steps: list[Step] = []
    for step in (launch, registration, initialization, health):
        steps.append(step(observed))
        if not steps[-1].done:
            break
    return steps


def _status(observed: Observed, steps: list[Step]) -> Manifest:
    """What a machine has reached once stays, also while an earlier step is in trouble."""
    claim = observed.claim
    found = {step.condition.type: step.condition for step in steps if step.condition is not None}
    found.setdefault("Ready", _not_ready(steps[-1]))
    if (drifted := drift(observed)) is not None:
        found[drifted.type] = drifted
    if claim.node_name:
        found = {
            c["type"]: conditions.from_manifest(c)
            for c in claim.conditions
            if c["type"] in _life(claim)
        } | found
    order = (*_life(claim), claim.kind.drifted, "Ready")
    desired = [found[type_] for type_ in order if type_ in found]
    status: Manifest = {"conditions": conditions.merge(claim.conditions, desired, observed.now)}
    if observed.node is not None:
        status |= _of_node(observed.node)
    if observed.pool is not None and observed.pool.image and steps[0].done:
        status["imageID"] = observed.pool.image
    return status


def _life(claim: Claim) -> tuple[str, str, str]:
    return (claim.kind.launched, claim.kind.registered, claim.kind.initialized)


def _not_ready(last: Step) -> Condition:
    """What holds the claim up. Waiting for what has just begun is no failure."""
    condition = last.condition
    assert condition is not None
    status = condition.status
    if status is ConditionStatus.UNKNOWN and condition.reason not in _PENDING:
        status = ConditionStatus.FALSE
    return Condition("Ready", status, condition.reason, condition.message)


def _of_node(node: Manifest) -> Manifest:
    status = node.get("status") or {}
    provider_id = (node.get("spec") or {}).get("providerID")
    return {
        "nodeName": node["metadata"]["name"],
        **({"providerID": provider_id} if provider_id else {}),
        "capacity": status.get("capacity") or {},
        "allocatable": status.get("allocatable") or {},
    }
