"""How far the pods of a workload are, by its status."""

from enum import Enum

from kaito_kube.kinds import Manifest


class WorkloadState(Enum):
    """ANSWERING: enough pods are ready, and not all of them are of the newest template.

    UNOBSERVED lasts until the workload's controller has written the status of the newest
    generation, which a Deployment gets for annotations, too: its pods may be those of before.
    """

    COMPLETE = "all pods are of the newest template and ready"
    ANSWERING = "answers, while an update is under way"
    UNOBSERVED = "answered before its last change, of which its status does not tell yet"
    STARTING = "does not answer yet"
    FAILED = "does not answer, and something is wrong"

    @property
    def answers(self) -> bool:
        return self in (WorkloadState.COMPLETE, WorkloadState.ANSWERING)


def workload_state(workload: Manifest, *, failing: bool) -> WorkloadState:
    """`failing`: something is wrong with the workload or one of its pods."""
    status, replicas = workload.get("status") or {}, replicas_of(workload) or 0
    if (status.get("readyReplicas") or 0) < replicas:
        return WorkloadState.FAILED if failing else WorkloadState.STARTING
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return WorkloadState.UNOBSERVED
    updated = status.get("updatedReplicas") or 0
    # A rolling update counts old pods, too, until they are gone.
    complete = replicas <= updated and (status.get("replicas") or 0) <= updated
    return WorkloadState.COMPLETE if complete else WorkloadState.ANSWERING


def replicas_of(workload: Manifest) -> int | None:
    """The number of pods that the workload is to have."""
    replicas: int | None = (workload.get("spec") or {}).get("replicas")
    return replicas
