"""What is wrong with the workload that serves a model, or with its pods."""

from dataclasses import dataclass

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, is_being_deleted
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import pod_failure
from workspace_controller.plan.pods.forbidden import creation_failure
from workspace_controller.plan.pods.status import pods_with_role


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`failure` is None while there is none. `requeue_after_seconds` is when to look again.

    `lacks_room`: the scheduler finds no node for a pod.
    """

    failure: Failure | None = None
    requeue_after_seconds: float | None = None

    @property
    def lacks_room(self) -> bool:
        return self.failure is not None and self.failure.reason == Reason.UNSCHEDULABLE


def serving_health(observed: Observed, workload: Manifest) -> Health:
    """A pod that cannot be created, the first that fails, or a workload that makes no progress."""
    pods = [
        pod
        for pod in pods_with_role(observed.pods, "inference", labels.ROLE)
        if not is_being_deleted(pod)
    ]
    found = creation_failure(observed, workload) or next(
        (f for pod in pods if (f := pod_failure(pod, observed.now)) is not None), None
    )
    if found is None:
        return Health(failure=_no_progress(workload))
    return Health(
        failure=found if isinstance(found, Failure) else None,
        requeue_after_seconds=found.requeue_after_seconds,
    )


def _no_progress(workload: Manifest) -> Failure | None:
    """The Deployment's own deadline, which is longer than a model takes to become ready."""
    status = workload.get("status") or {}
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return None
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "ProgressDeadlineExceeded":
            seconds = workload["spec"].get("progressDeadlineSeconds")
            message = f"no pod has become ready in {seconds} seconds; kubectl logs shows why"
            return Failure(Reason.CONTAINER_CRASHED, message)
    return None
