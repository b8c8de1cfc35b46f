"""Decides what a run does that waits in a queue of Kueue, and what its nodes do meanwhile."""

from dataclasses import replace
from datetime import timedelta

from kaito_api import condition_types, labels
from kaito_api.conditions import ConditionStatus, false, parse_time, unknown
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest, is_being_deleted, labels_of
from workspace_controller.manifests.queue import KUEUES_DEFAULT, is_suspended, queue_labels
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.release import claims_to_delete
from workspace_controller.plan.nodes.sources import SOURCES
from workspace_controller.plan.pods.failure import GracePeriod
from workspace_controller.plan.pods.status import has_ended, pods_with_role
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.job import is_current_job

_SCHEDULING = timedelta(seconds=30)


def is_queued(observed: Observed, tuning: Tuning) -> bool:
    """Whether the run has not been admitted: its Job is suspended, or is about to be created so."""
    if tuned_adapter(observed, tuning) is not None or observed.adopted_job is not None:
        return False
    job = observed.job
    if job is not None and is_current_job(observed, tuning) and not is_being_deleted(job):
        return is_suspended(job)
    return bool(queue_labels(observed.workspace))


def is_in_another_queue(observed: Observed, job: Manifest) -> bool:
    """Whether a Job that waits has to be created again: its queue is not the Workspace's."""
    has = labels_of(job).get(labels.QUEUE)
    wanted = queue_labels(observed.workspace).get(labels.QUEUE)
    if not wanted and has == KUEUES_DEFAULT:
        # Kueue puts it on each new Job that names no queue, and so on the next one, too.
        return False
    return is_suspended(job) and has != wanted and bool(has or wanted)


def queued_nodes(observed: Observed, nodes: NodePlan) -> NodePlan:
    """The same plan without its requests. Nodes that were requested go once no pod is on them, and
    others may use those that were there."""
    pods = pods_with_role(observed.pods, "tuning", labels.ROLE)
    # One that was evicted stays in the list as long as its Job.
    runs = [pod for pod in pods if not has_ended(pod)]
    message = queue_message(observed)
    type_ = SOURCES[observed.settings.node_provisioner].condition
    claims = (unknown(type_, Reason.QUEUED, message),) if type_ else ()
    return replace(
        nodes,
        actions=(),
        queued=True,
        workers=nodes.workers if runs else (),
        usable=nodes.usable if runs else (),
        releases=() if runs else claims_to_delete(observed.claims),
        conditions=(
            *claims,
            false(condition_types.NODES_READY, Reason.QUEUED, message),
            false(condition_types.RESOURCE_READY, Reason.QUEUED, message),
        ),
        withheld=True,
        failed=False,
    )


def unless_nodes_are_new(
    found: Failure | GracePeriod | None, observed: Observed, nodes: NodePlan
) -> Failure | GracePeriod | None:
    """The failure of the pods, unless it is that the nodes were requested only after them.

    The scheduler needs a moment once the nodes are there.
    """
    if not isinstance(found, Failure) or found.reason is not Reason.UNSCHEDULABLE:
        return found
    before = observed.condition(condition_types.NODES_READY)
    if not nodes.ready or before.get("status") != ConditionStatus.TRUE:
        return GracePeriod(_SCHEDULING.total_seconds())
    remaining = parse_time(before["lastTransitionTime"]) + _SCHEDULING - observed.now
    return GracePeriod(remaining.total_seconds()) if remaining > timedelta(0) else found


def queue_message(observed: Observed) -> str:
    """Which queue the run waits in, and where the queue says why."""
    owner, job = observed.owner, observed.job
    has = labels_of(job).get(labels.QUEUE) if job is not None else None
    queue = has or queue_labels(observed.workspace).get(labels.QUEUE)
    if not queue:
        return (
            f"Job {owner.name} is suspended, and no node is requested until it is not: kubectl "
            f"describe job {owner.name} -n {owner.namespace} shows by whom"
        )
    return (
        f"the run waits in queue {queue}, and no node is requested before Kueue admits it: kubectl "
        f"get workloads -n {owner.namespace} shows its turn, and kubectl get localqueue {queue} -n "
        f"{owner.namespace} whether there is such a queue"
    )
