"""Reads the tuning Job: which run it is, which pods it has, and how it ended."""

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest, annotations_of
from workspace_controller.manifests.metadata import Role, revision_of
from workspace_controller.manifests.spread import COMPLETION_INDEX, FIRST_INDEX
from workspace_controller.manifests.tuning_job import PUSHER, TRAINER
from workspace_controller.manifests.tuning_revision import adapter_revision, job_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.status import container_state, pods_with_role


def makes_adapter(job: Manifest, revision: str) -> bool:
    """Whether the Job produces, or has produced, the adapter of that revision."""
    return revision_of(job).split("-", 1)[0] == revision


def is_current_job(observed: Observed, tuning: Tuning) -> bool:
    """Whether the Job runs what the spec and the configuration request now.

    A configuration that cannot be read at the moment does not restart a run.
    """
    return observed.job is not None and is_current(observed, observed.job, tuning)


def is_current(observed: Observed, job: Manifest, tuning: Tuning) -> bool:
    """As `is_current_job`, about any Job of the run."""
    if not makes_adapter(job, adapter_revision(tuning)):
        return False
    if observed.file is None or observed.file.text is None:
        return True
    return revision_of(job) == job_revision(tuning, observed.file.text)


def job_pods(observed: Observed, job: Manifest, role: Role = "tuning") -> list[Manifest]:
    """The pods of this Job, newest first, without those of an earlier Job of the same name."""
    uid = job["metadata"].get("uid")
    return [
        pod
        for pod in pods_with_role(observed.pods, role, labels.ROLE)
        if any(r.get("uid") == uid for r in pod["metadata"].get("ownerReferences") or ())
    ]


def pods_by_index(observed: Observed, job: Manifest) -> dict[str, Manifest]:
    """The newest pod for each node of the Job; that of a Job on one node has no index."""
    pods = job_pods(observed, job)
    return {_index(pod): pod for pod in reversed(pods)}


def _index(pod: Manifest) -> str:
    return annotations_of(pod).get(COMPLETION_INDEX, FIRST_INDEX)


def progress_pod(observed: Observed) -> Manifest | None:
    """The pod that serves TuningService: its trainer or pusher runs and it has an address.

    Of several nodes, the first one reports.
    """
    if observed.job is None:
        return None
    for pod in job_pods(observed, observed.job):
        if _index(pod) != FIRST_INDEX:
            continue
        running = any("running" in container_state(pod, name) for name in (TRAINER, PUSHER))
        if running and (pod.get("status") or {}).get("podIP"):
            return pod
    return None


def has_condition(job: Manifest, type_: str) -> bool:
    """Whether that condition of the Job is True."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == type_ and c.get("status") == "True" for c in conditions)


def job_failure(job: Manifest) -> Failure | None:
    """The failure that the Job itself reports; None while it runs or where it succeeded."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            message = condition.get("message") or "the tuning Job failed without a message"
            return Failure(Reason.TRAINING_FAILED, str(message), permanent=True)
    return None
