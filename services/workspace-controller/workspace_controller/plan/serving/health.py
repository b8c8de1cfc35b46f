"""What is wrong with the workload that serves a model, or with its pods."""

from dataclasses import dataclass, replace

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, is_being_deleted
from workspace_controller.manifests.pods import MODEL_DOWNLOAD
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import pod_failure
from workspace_controller.plan.pods.forbidden import creation_failure
from workspace_controller.plan.pods.probes import (
    has_unprobed_restart,
    killing_probe,
    unready_reason,
)
from workspace_controller.plan.pods.status import container_state, pods_with_role


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`failure` is None while there is none. `requeue_after_seconds` is when to look again.

    `unproven`: the failed pod counts as ready only because its container runs again.
    `lacks_room`: the scheduler finds no node for a pod.
    """

    failure: Failure | None = None
    requeue_after_seconds: float | None = None
    unproven: bool = False

    @property
    def lacks_room(self) -> bool:
        return self.failure is not None and self.failure.reason == Reason.UNSCHEDULABLE


def serving_health(observed: Observed, workload: Manifest) -> Health:
    """A pod that cannot be created, the first that fails, or a workload that makes no progress."""
    if (forbidden := creation_failure(observed, workload)) is not None:
        return Health(failure=forbidden, requeue_after_seconds=forbidden.requeue_after_seconds)
    # What ends still holds its GPUs, for as long as its last answers take.
    ending = len(serving_pods(observed)) < len(_all_serving_pods(observed))
    for pod in serving_pods(observed):
        found = pod_failure(pod, observed.now, serves=True)
        if isinstance(found, Failure) and found.reason == Reason.UNSCHEDULABLE and ending:
            continue
        if isinstance(found, Failure):
            probe = killing_probe(pod)
            message = f"{found.message}; {probe}" if probe else found.message
            return Health(
                failure=replace(found, message=message),
                requeue_after_seconds=found.requeue_after_seconds,
                unproven=has_unprobed_restart(pod),
            )
        if found is not None:
            return Health(requeue_after_seconds=found.requeue_after_seconds)
    return Health(failure=_no_progress(observed, workload))


def serving_pods(observed: Observed) -> list[Manifest]:
    """The pods of the workload that are not being deleted, newest first."""
    return [pod for pod in _all_serving_pods(observed) if not is_being_deleted(pod)]


def downloading_pods(observed: Observed) -> list[Manifest]:
    """Those of them whose model is being downloaded."""
    return [p for p in serving_pods(observed) if "running" in container_state(p, MODEL_DOWNLOAD)]


def _all_serving_pods(observed: Observed) -> list[Manifest]:
    return pods_with_role(observed.pods, "inference", labels.ROLE)


def _no_progress(observed: Observed, workload: Manifest) -> Failure | None:
    """The Deployment's own deadline, which is longer than a model takes to become ready."""
    status = workload.get("status") or {}
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return None
    for condition in status.get("conditions") or ():
        # How long a download takes is up to the network, and the condition shows how far it is.
        if downloading_pods(observed):
            return None
        if condition.get("reason") == "ProgressDeadlineExceeded":
            seconds = workload["spec"].get("progressDeadlineSeconds")
            probe = next((why for p in serving_pods(observed) if (why := unready_reason(p))), "")
            why = probe or "kubectl logs shows why"
            message = f"no pod has become ready in {seconds} seconds: {why}"
            return Failure(Reason.CONTAINER_CRASHED, message)
    return None
