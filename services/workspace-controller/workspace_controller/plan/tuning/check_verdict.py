"""Reads the Job that checks the data: what it found, or why it cannot find anything."""

from dataclasses import dataclass
from datetime import datetime

from kaito_api.conditions import parse_time
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.data_check import DATA_CHECKER, PUSH_CHECKER
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import exit_failure, last_exit, pod_failure
from workspace_controller.plan.pods.forbidden import creation_failure
from workspace_controller.plan.pods.status import (
    container_state,
    containers,
    termination_message,
)
from workspace_controller.plan.tuning.check_conditions import known_failure
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
    """The data can be used, and the adapter can be pushed.

    `summary` says what the data holds and costs; empty if nobody knows, and None where the pod that
    reported it is gone.
    """

    summary: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The adapter could not be pushed. `summary` is that of the data; None while it is read."""

    failure: Failure
    summary: str | None


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


Verdict = Passed | Failure | Refused | Running | Impossible


def read_verdict(observed: Observed, tuning: Tuning, check: Manifest) -> Verdict:
    """What the Job has found. A failure remains until an attempt has another result."""
    pods = job_pods(observed, check, "data-check")
    summary = next((found for pod in pods if (found := _summary(pod)) is not None), None)
    if has_condition(check, "Complete"):
        return Passed(summary)
    failures = [found for pod in pods for found in _failures(pod)]
    for name, failure in failures:
        # A stopped container is restarted, or its pod is replaced.
        if failure.reason not in _CRASHES and failure.reason is not Reason.TRAINING_STOPPED:
            return failure if name != PUSH_CHECKER else Refused(failure, summary)
    for _, failure in failures:
        if failure.reason in _CRASHES:
            return Impossible(failure.message)
    if (ended := job_failure(check)) is not None:
        return Impossible(f"the check's Job failed: {ended.message}")
    return _unfinished(observed, tuning, check, pods)


def _failures(pod: Manifest) -> list[tuple[str, Failure]]:
    """How each container failed last, by its name. The data comes first: it has more to correct."""
    found = [
        (str(container.get("name")), exit_failure(str(container.get("name")), end))
        for container in containers(pod)
        if (end := last_exit(container)) and end.get("exitCode")
    ]
    return sorted(found, key=lambda each: each[0] == PUSH_CHECKER)


def _summary(pod: Manifest) -> str | None:
    """What the data-checker has found in the data, in its own words; None before it succeeded."""
    end = container_state(pod, DATA_CHECKER).get("terminated") or {}
    if end.get("exitCode") != 0:
        return None
    report = termination_message(end).get("data")
    summary = report.get("summary") if isinstance(report, dict) else None
    return summary if isinstance(summary, str) else ""


def _unfinished(
    observed: Observed, tuning: Tuning, check: Manifest, pods: list[Manifest]
) -> Verdict:
    newest = next(iter(pods), None)
    if newest is None and (forbidden := creation_failure(observed, check)) is not None:
        # The pods of the run would be forbidden as well, and their node be paid for in vain.
        return forbidden
    if newest is None and (check.get("status") or {}).get("active"):
        # A pod that was lost is being replaced, or its watch is behind that of the Job.
        return known_failure(observed) or Running("", OBSTRUCTED_SECONDS)
    if newest is not None and (newest.get("status") or {}).get("phase") == "Succeeded":
        # However long it took: its Job is Complete in a moment.
        return known_failure(observed) or Running("", OBSTRUCTED_SECONDS)
    found = pod_failure(newest, observed.now) if newest is not None else _NO_POD
    obstacle = ""
    if isinstance(found, Failure):
        if found.reason is Reason.POD_EVICTED:
            return Impossible(found.message)
        if _is_about_data(found, tuning):
            return found
        if found.reason is not Reason.TRAINING_STOPPED:
            obstacle = found.message
    known = known_failure(observed)
    limit = OBSTRUCTED_SECONDS if obstacle and known is None else RUNNING_SECONDS
    created = (newest or check)["metadata"].get("creationTimestamp")
    remaining = limit - seconds_since(created, observed.now)
    if remaining <= 0:
        return Impossible(obstacle or f"the check takes longer than {limit / 60:.0f} minutes")
    return known or Running(obstacle, remaining)


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
