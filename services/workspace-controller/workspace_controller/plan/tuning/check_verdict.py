"""Reads the Job that checks the data: what it found, or why it cannot find anything."""

from dataclasses import dataclass
from datetime import datetime

from kaito_api.conditions import parse_time
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import exit_failure, last_exit, pod_failure
from workspace_controller.plan.pods.status import containers, termination_message
from workspace_controller.plan.tuning.job import has_condition, job_failure, job_pods

# Where no node has room for the check, nodes are not held back for longer than this. A cluster
# autoscaler needs about that time to begin adding one.
OBSTRUCTED_SECONDS = 120.0
# Pulling the tuner's image takes minutes, and data can be large. A check that takes longer than
# this goes on, but the nodes do not wait for it: the data-fetcher takes as long, so that little is
# saved.
RUNNING_SECONDS = 1800.0
_NO_POD = Failure(Reason.UNSCHEDULABLE, "the check has no pod yet (kubectl describe job shows why)")
# Failures that say something about the check's own pod, and nothing about the data.
_CRASHES = frozenset(
    {
        Reason.CONTAINER_CRASHED,
        Reason.OUT_OF_MEMORY,
        Reason.MODEL_LOAD_FAILED,
        Reason.TRAINING_FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Passed:
    """The data can be used; `summary` says what it holds and costs, empty if nobody knows."""

    summary: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """No result yet. `obstacle` is what keeps the check from running; empty while it runs.

    It is judged again after `remaining_seconds`.
    """

    obstacle: str
    remaining_seconds: float


@dataclass(frozen=True, slots=True)
class Impossible:
    """The check cannot be done, or takes too long; `why` says what is in its way."""

    why: str


Verdict = Passed | Failure | Running | Impossible


def read_verdict(observed: Observed, tuning: Tuning, check: Manifest) -> Verdict:
    """What the Job has found. A failure stands until the next attempt finds something else."""
    if has_condition(check, "Complete"):
        return Passed(_summary(job_pods(observed, check, "data-check")))
    pods = job_pods(observed, check, "data-check")
    exits = [(str(c.get("name")), last_exit(c)) for pod in pods for c in containers(pod)]
    failures = [exit_failure(name, end) for name, end in exits if end and end.get("exitCode")]
    for failure in failures:
        # A stopped container is restarted, or its pod is replaced.
        if failure.reason not in _CRASHES and failure.reason is not Reason.TRAINING_STOPPED:
            return failure
    for failure in failures:
        if failure.reason in _CRASHES:
            return Impossible(failure.message)
    if (ended := job_failure(check)) is not None:
        return Impossible(f"the check's Job failed: {ended.message}")
    return _unfinished(observed, tuning, check, pods)


def _summary(pods: list[Manifest]) -> str:
    """What the check has found, in the words of the container that did."""
    for pod in pods:
        for container in containers(pod):
            report = termination_message(last_exit(container) or {}).get("data")
            if isinstance(report, dict) and isinstance(report.get("summary"), str):
                return str(report["summary"])
    return ""


def _unfinished(
    observed: Observed, tuning: Tuning, check: Manifest, pods: list[Manifest]
) -> Verdict:
    newest = next(iter(pods), None)
    if newest is None and (check.get("status") or {}).get("active"):
        # A pod that was lost is being replaced, or its watch is behind that of the Job.
        return Running("", OBSTRUCTED_SECONDS)
    found = pod_failure(newest, observed.now) if newest is not None else _NO_POD
    obstacle = ""
    if isinstance(found, Failure):
        if found.reason is Reason.POD_EVICTED:
            return Impossible(found.message)
        if _is_about_data(found, tuning):
            return found
        if found.reason is not Reason.TRAINING_STOPPED:
            obstacle = found.message
    limit = OBSTRUCTED_SECONDS if obstacle else RUNNING_SECONDS
    created = (newest or check)["metadata"].get("creationTimestamp")
    remaining = limit - seconds_since(created, observed.now)
    if remaining <= 0:
        return Impossible(obstacle or f"the check takes longer than {limit / 60:.0f} minutes")
    return Running(obstacle, remaining)


def _is_about_data(failure: Failure, tuning: Tuning) -> bool:
    """Whether the image that cannot be pulled is the data's, and not the tuner's."""
    image = tuning.input.image
    pull_failed = failure.reason is Reason.IMAGE_PULL_FAILED
    return image is not None and pull_failed and image in failure.message


def seconds_since(time: object, now: datetime) -> float:
    """The age of what happened at `time`; 0 where that is no time."""
    try:
        return (now - parse_time(str(time))).total_seconds()
    except ValueError:
        return 0.0
