"""The end of a Workspace: workloads, then nodes, then the finalizer; each waits for the last."""

from datetime import timedelta

from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import JOB, is_being_deleted
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.claim_status import claim_failure
from workspace_controller.plan.nodes.release import release
from workspace_controller.plan.plan import Action, Delete, Plan
from workspace_controller.plan.serving.workload import delete_workloads
from workspace_controller.plan.status.document import deleting_status
from workspace_controller.plan.status.events import events

# Pods on a dead node never end: the nodes go all the same after this long.
_PODS_MAY_TAKE = timedelta(seconds=20)
# A claim's going wakes its Workspace; the list that is asked for then may be older than that.
_CLAIMS_REQUEUE_SECONDS = 15.0


def decide_deletion(observed: Observed) -> Plan:
    if labels.WORKSPACE_FINALIZER not in (observed.workspace["metadata"].get("finalizers") or ()):
        return Plan()
    actions = _workloads(observed)
    waits = _pods_may_take_seconds(observed)
    if (actions or observed.job or observed.workload or observed.pods) and waits > 0:
        return _waiting(observed, actions, f"waiting for {len(observed.pods)} pods to end", waits)
    claims = release(observed)
    if observed.claims:
        return _waiting(
            observed, (*actions, *claims), _claims_left(observed), _CLAIMS_REQUEUE_SECONDS
        )
    return Plan(actions=actions, finalizer="remove")


def _workloads(observed: Observed) -> tuple[Action, ...]:
    actions = delete_workloads(observed)
    if observed.job is None or is_being_deleted(observed.job):
        return actions
    return (*actions, Delete(JOB, observed.owner.name, observed.owner.namespace))


def _pods_may_take_seconds(observed: Observed) -> float:
    since = parse_time(observed.workspace["metadata"]["deletionTimestamp"])
    return (since + _PODS_MAY_TAKE - observed.now).total_seconds()


def _claims_left(observed: Observed) -> str:
    said = []
    for claim in observed.claims:
        failure = claim_failure(claim) if claim.deleting else None
        said.append(f"{claim.kind} {claim.name}" + (f" ({failure.message})" if failure else ""))
    return f"waiting for {', '.join(said)} to be gone"


def _waiting(observed: Observed, actions: tuple[Action, ...], why: str, again: float) -> Plan:
    told = deleting_status(observed, why)
    return Plan(
        actions=actions, status=told, events=events(observed, told), requeue_after_seconds=again
    )
