"""Reports about the workload that KAITO created before the upgrade.

It is kept as it is, with its Service: an upgrade restarts no model. Whoever deletes it gets this
release's workload on the same nodes.
"""

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, false, true
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, is_being_deleted, labels_of
from workspace_controller.observed import AdoptedWorkload, Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import pod_failure
from workspace_controller.plan.serving.workload_state import replicas_of
from workspace_controller.plan.validation import problems

_TYPE = condition_types.INFERENCE_READY
# No informer sees the workload, only its pods: they may be all ready and too few.
LOOK_AGAIN_SECONDS = 30.0


def adopted_condition(observed: Observed, workload: AdoptedWorkload) -> Condition:
    """InferenceReady by the pods of the workload."""
    pods = _pods(observed)
    ready, wanted = sum(_is_ready(pod) for pod in pods), replicas_of(workload.manifest) or 0
    if ready >= max(1, wanted):
        message = f"the model answers requests from {_kept(observed, workload)}"
        return true(_TYPE, Reason.WORKLOAD_ADOPTED, message)
    found = (pod_failure(pod, observed.now, serves=True) for pod in pods)
    failure = next((each for each in found if isinstance(each, Failure)), None)
    count = f"{ready} of {wanted} pods are ready of {_kept(observed, workload)}"
    if failure is not None:
        return false(_TYPE, failure.reason, f"{failure.message}; {count}")
    return false(_TYPE, Reason.INFERENCE_PENDING, count)


def _kept(observed: Observed, workload: AdoptedWorkload) -> str:
    """What it is, and how to replace it where this release could serve the model."""
    name, kind = observed.owner.name, workload.kind.kind
    kept = f"{kind} {name}, which KAITO created and which is kept as it is"
    if found := problems(observed):
        return f"{kept}; this release cannot serve the Workspace itself: {found[0]}"
    delete = f"kubectl delete {kind.lower()} {name} -n {observed.owner.namespace}"
    return f"{kept}; to serve the model with this release, {delete}"


def _pods(observed: Observed) -> list[Manifest]:
    """Each pod of this controller has a role."""
    pods = (pod for pod in observed.pods if labels.ROLE not in labels_of(pod))
    return [pod for pod in pods if not is_being_deleted(pod)]


def _is_ready(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
