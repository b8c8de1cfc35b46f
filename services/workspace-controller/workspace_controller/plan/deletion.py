"""Deletes a Workspace: workloads, then claims, then the finalizer. Each waits for the previous."""

from datetime import timedelta

from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import JOB, is_being_deleted
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.claim_status import claim_failure
from workspace_controller.plan.nodes.release import claims_to_delete
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
    present = observed.data_check or observed.job or observed.workload or observed.pods
    if (actions or present) and remaining > 0:
        message = f"waiting for {len(observed.pods)} pods to terminate"
        return _waiting(observed, actions, message, remaining)
    if observed.claims:
        claims = claims_to_delete(observed.claims)
        message = _remaining_claims(observed)
        return _waiting(observed, (*actions, *claims), message, _CLAIMS_REQUEUE_SECONDS)
    return Plan(actions=actions, finalizer="remove")


def _delete_jobs(observed: Observed) -> tuple[Action, ...]:
    jobs = [job for job in (observed.data_check, observed.job) if job is not None]
    return tuple(
        Delete(JOB, job["metadata"]["name"], observed.owner.namespace)
        for job in jobs
        if not is_being_deleted(job)
    )


def _pod_termination_seconds(observed: Observed) -> float:
    """The time that pods still have to terminate; negative once it is over."""
    deleted = parse_time(observed.workspace["metadata"]["deletionTimestamp"])
    return (deleted + _POD_TERMINATION_TIME - observed.now).total_seconds()


def _remaining_claims(observed: Observed) -> str:
    names = []
    for claim in observed.claims:
        failure = claim_failure(claim) if claim.deleting else None
        names.append(f"{claim.kind} {claim.name}" + (f" ({failure.message})" if failure else ""))
    return f"waiting for {', '.join(names)} to be deleted"


def _waiting(
    observed: Observed, actions: tuple[Action, ...], message: str, requeue_after_seconds: float
) -> Plan:
    status = deleting_status(observed, message)
    return Plan(
        actions=actions,
        status=status,
        events=events(observed, status),
        requeue_after_seconds=requeue_after_seconds,
    )
