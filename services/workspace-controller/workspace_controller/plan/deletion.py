"""The end of a Workspace: workloads, then nodes, then the finalizer; each waits for the last."""

from datetime import timedelta

from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import JOB, is_being_deleted
from workspace_controller.observed import Observed
from workspace_controller.plan.claim_status import claim_trouble
from workspace_controller.plan.events import events
from workspace_controller.plan.node_release import release
from workspace_controller.plan.plan import Delete, Plan, Step
from workspace_controller.plan.serving import stop
from workspace_controller.plan.status import of_deletion

# Pods on a dead node never end: the nodes go all the same after this long.
_PODS_MAY_TAKE = timedelta(seconds=20)
# A claim's going wakes its Workspace; the list that is asked for then may be older than that.
_CLAIMS_AGAIN_S = 15.0


def decide_deletion(o: Observed) -> Plan:
    if labels.WORKSPACE_FINALIZER not in (o.workspace["metadata"].get("finalizers") or ()):
        return Plan()
    steps = _workloads(o)
    waits = _pods_may_take_seconds(o)
    if (steps or o.job or o.workload or o.pods) and waits > 0:
        return _waiting(o, steps, f"waiting for {len(o.pods)} pods to end", waits)
    claims = release(o)
    if o.claims:
        return _waiting(o, (*steps, *claims), _claims_left(o), _CLAIMS_AGAIN_S)
    return Plan(steps=steps, finalizer="remove")


def _workloads(o: Observed) -> tuple[Step, ...]:
    steps = stop(o)
    if o.job is None or is_being_deleted(o.job):
        return steps
    return (*steps, Delete(JOB, o.owner.name, o.owner.namespace))


def _pods_may_take_seconds(o: Observed) -> float:
    since = parse_time(o.workspace["metadata"]["deletionTimestamp"])
    return (since + _PODS_MAY_TAKE - o.now).total_seconds()


def _claims_left(o: Observed) -> str:
    said = []
    for claim in o.claims:
        trouble = claim_trouble(claim) if claim.leaving else None
        said.append(f"{claim.kind} {claim.name}" + (f" ({trouble.message})" if trouble else ""))
    return f"waiting for {', '.join(said)} to be gone"


def _waiting(o: Observed, steps: tuple[Step, ...], why: str, again: float) -> Plan:
    told = of_deletion(o, why)
    return Plan(steps=steps, status=told, events=events(o, told), requeue_after=again)
