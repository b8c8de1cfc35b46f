"""Reads the tuning Job: which run it is, which pods it has, and how it ended."""

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.manifests.tuning_job import (
    PUSHER,
    TRAINER,
    adapter_revision,
    job_revision,
)
from workspace_controller.observed import Observed
from workspace_controller.plan.pods.failure import Failure
from workspace_controller.plan.pods.status import container_state, pods_with_role


def makes_adapter(owner: Manifest, revision: str) -> bool:
    """Whether the Job makes, or made, that adapter."""
    return revision_of(owner).split("-", 1)[0] == revision


def is_current_job(observed: Observed, tuning: Tuning) -> bool:
    """A configuration that cannot be read now changes nothing of what runs."""
    if observed.job is None or not makes_adapter(observed.job, adapter_revision(tuning)):
        return False
    if observed.file is None or observed.file.text is None:
        return True
    return revision_of(observed.job) == job_revision(tuning, observed.file.text)


def job_pods(observed: Observed, owner: Manifest) -> list[Manifest]:
    """The Job's own pods, newest first; those of a Job before it are not."""
    uid = owner["metadata"].get("uid")
    return [
        pod
        for pod in pods_with_role(observed.pods, "tuning", labels.ROLE)
        if any(r.get("uid") == uid for r in pod["metadata"].get("ownerReferences") or ())
    ]


def progress_pod(observed: Observed) -> Manifest | None:
    """The pod to ask how far it is: trainer or pusher run in it, and it has an address."""
    if observed.job is None:
        return None
    for pod in job_pods(observed, observed.job):
        works = any("running" in container_state(pod, name) for name in (TRAINER, PUSHER))
        if works and (pod.get("status") or {}).get("podIP"):
            return pod
    return None


def job_says(owner: Manifest, type_: str) -> bool:
    conditions = (owner.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == type_ and c.get("status") == "True" for c in conditions)


def job_failure(owner: Manifest) -> Failure | None:
    for condition in (owner.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            message = condition.get("message") or "the Job failed"
            return Failure(Reason.TRAINING_FAILED, str(message), permanent=True)
    return None
