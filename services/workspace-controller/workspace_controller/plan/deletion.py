"""Deletes a Workspace: workloads, then claims, then the finalizer. Each waits for the previous."""

from datetime import datetime, timedelta

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, ConditionStatus, parse_time, true
from kaito_api.reasons import Reason
from kaito_kube.kinds import JOB, Manifest, is_being_deleted, labels_of
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.claim_status import deletion_obstacle, deletion_progress
from workspace_controller.plan.nodes.release import claims_to_delete
from workspace_controller.plan.nodes.selection import is_node_ready
from workspace_controller.plan.plan import Action, Delete, Plan
from workspace_controller.plan.serving.workload import delete_workloads
from workspace_controller.plan.status.document import deleting_status
from workspace_controller.plan.status.events import events

# Pods on a dead node never terminate, so the nodes are deleted after this time in any case.
_POD_TERMINATION_TIME = timedelta(seconds=20)
# A deleted claim triggers a pass, but the API server's answer to the list in that pass can be
# older than the deletion. Without another pass the finalizer would stay for good.
_CLAIMS_REQUEUE_SECONDS = 15.0


def decide_deletion(observed: Observed) -> Plan:
    """The next step of the deletion; an empty plan once the finalizer is removed."""
    if labels.WORKSPACE_FINALIZER not in (observed.workspace["metadata"].get("finalizers") or ()):
        return Plan()
    actions = (*delete_workloads(observed), *_delete_jobs(observed))
    remaining = _pod_termination_seconds(observed)
    present = _jobs(observed) or observed.workload or observed.pods
    if (actions or present) and remaining > 0:
        return _waiting(observed, actions, _pods_condition(observed), remaining)
    if observed.claims:
        actions = (*actions, *claims_to_delete(observed.claims))
        return _waiting(observed, actions, _claims_condition(observed), _CLAIMS_REQUEUE_SECONDS)
    return Plan(actions=actions, finalizer="remove")


def _delete_jobs(observed: Observed) -> tuple[Action, ...]:
    return tuple(
        Delete(JOB, job["metadata"]["name"], observed.owner.namespace)
        for job in _jobs(observed)
        if not is_being_deleted(job)
    )


def _jobs(observed: Observed) -> list[Manifest]:
    jobs = (observed.data_check, observed.job, observed.adopted_job)
    return [job for job in jobs if job is not None]


def _pod_termination_seconds(observed: Observed) -> float:
    """The time that pods still have to terminate; negative once it is over."""
    deleted = parse_time(observed.workspace["metadata"]["deletionTimestamp"])
    ends = [deleted + _POD_TERMINATION_TIME, *_ends_of_answers(observed)]
    return (max(ends) - observed.now).total_seconds()


def _ends_of_answers(observed: Observed) -> list[datetime]:
    """When the pods that finish their answers have to be done: of a replica of an InferenceSet,
    which goes in a scale-down or a roll-out although its clients did nothing.

    A pod's deletionTimestamp is the end of its grace period. On a dead node no answer ends.
    """
    if labels.CREATED_BY_SET not in labels_of(observed.workspace):
        return []
    ready = {node["metadata"]["name"] for node in observed.nodes if is_node_ready(node)}
    return [
        parse_time(pod["metadata"]["deletionTimestamp"])
        for pod in observed.pods
        if is_being_deleted(pod) and (pod.get("spec") or {}).get("nodeName") in ready
    ]


def _claims_condition(observed: Observed) -> Condition:
    """Waits for the claims. What holds one of them up is the reason."""
    type_, reason, parts = condition_types.WORKSPACE_DELETING, "", list[str]()
    for claim in observed.claims:
        obstacle = deletion_obstacle(claim) if claim.deleting else None
        if obstacle is not None and not reason:
            reason = obstacle.reason
        why = obstacle.message if obstacle is not None else deletion_progress(claim)
        parts.append(f"{claim.kind} {claim.name}" + (f" ({why})" if claim.deleting and why else ""))
    message = f"waiting for {', '.join(parts)} to be deleted"
    return Condition(type_, ConditionStatus.TRUE, reason or Reason.WORKSPACE_DELETING, message)


def _pods_condition(observed: Observed) -> Condition:
    message = f"waiting for {len(observed.pods)} pods to terminate"
    return true(condition_types.WORKSPACE_DELETING, Reason.WORKSPACE_DELETING, message)


def _waiting(
    observed: Observed,
    actions: tuple[Action, ...],
    condition: Condition,
    requeue_after_seconds: float,
) -> Plan:
    status = deleting_status(observed, condition)
    return Plan(
        actions=actions,
        status=status,
        events=events(observed, status),
        requeue_after_seconds=requeue_after_seconds,
    )
