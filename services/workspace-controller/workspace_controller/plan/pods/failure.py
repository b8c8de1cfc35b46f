"""What is wrong with a pod, as the kubelet, the scheduler, or the container reports it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kaito_api.conditions import parse_time
from kaito_api.reasons import REASONS, Reason
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.engine import ENGINE
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.engine_failure import engine_failure
from workspace_controller.plan.pods.status import (
    containers,
    has_own_engine,
    sidecars,
    termination_message,
)

# A restarted container often fails again at once. Its last failure is shown for this long, so that
# the condition does not alternate at every restart.
_SETTLING_TIME = timedelta(seconds=30)
# The kubelet's back-off for a container that restarts begins again after this time.
_FORGOTTEN_AFTER = timedelta(minutes=10)
# The scheduler often needs a second attempt while a node is still joining.
_UNSCHEDULABLE_GRACE = timedelta(seconds=10)
# Characters of a message. It appears in several conditions, in an Event, and in kubectl's output.
_MAX_MESSAGE = 512
# Reasons of the kubelet for a container that waits.
_PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_CONFIG = ("CreateContainerConfigError", "CreateContainerError")
_MISSING = re.compile(r'(secret|configmap) "([^"]+)" not found')


@dataclass(frozen=True, slots=True)
class GracePeriod:
    """What looks like a failure may pass by itself; it is judged again after that time."""

    requeue_after_seconds: float


def pod_failure(
    pod: Manifest, now: datetime, *, serves: bool = False
) -> Failure | GracePeriod | None:
    """The first failure of the pod; None while there is none.

    The containers of a pod that `serves` must not end, whatever their exit code.
    """
    status = pod.get("status") or {}
    if status.get("phase") == "Failed" and (reason := status.get("reason")):
        message = status.get("message") or f"the node rejected the pod: {reason}"
        return Failure(Reason.POD_EVICTED, shorten(message))
    init, lasting = len(status.get("initContainerStatuses") or ()), sidecars(pod)
    vllm = None if has_own_engine(pod) else ENGINE
    for index, container in enumerate(containers(pod)):
        lasts = index >= init or container.get("name") in lasting
        failure = _container_failure(container, now, serves=serves and lasts, vllm=vllm)
        if failure is not None:
            return failure
    return _scheduling_failure(status, now)


def _container_failure(
    container: Manifest, now: datetime, *, serves: bool, vllm: str | None
) -> Failure | None:
    name = str(container.get("name"))
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason") or ""
    if reason in _PULL:
        image, cause = container.get("image"), waiting.get("message") or reason
        message = f"container {name}: cannot pull image {image}: {cause}"
        return Failure(Reason.IMAGE_PULL_FAILED, shorten(message))
    if reason in _CONFIG:
        return _config_failure(name, waiting.get("message") or reason)
    if (terminated := state.get("terminated")) is not None:
        ended_badly = serves or terminated.get("exitCode")
        return exit_failure(name, terminated, vllm=vllm) if ended_badly else None
    last = (container.get("lastState") or {}).get("terminated")
    if last is None or not (serves or last.get("exitCode")):
        return None
    if (running := state.get("running")) is not None:
        settling = _settling_time(last) if serves else _SETTLING_TIME
        return _settling_failure(exit_failure(name, last, vllm=vllm), running, now, settling)
    return exit_failure(name, last, vllm=vllm)


def _config_failure(name: str, cause: str) -> Failure:
    missing = _MISSING.search(cause)
    if missing is None:
        message = f"container {name} cannot be created: {cause}"
        return Failure(Reason.CONTAINER_CRASHED, shorten(message))
    reason = Reason.SECRET_MISSING if missing.group(1) == "secret" else Reason.CONFIG_MAP_MISSING
    message = f"container {name}: {cause}; create it in the namespace of the Workspace"
    return Failure(reason, shorten(message))


def _settling_failure(
    failure: Failure, running: Manifest, now: datetime, settling: timedelta
) -> Failure | None:
    """The last failure of a container that has just been restarted."""
    started = _parse(running.get("startedAt"))
    if started is None or now - started >= settling:
        return None
    remaining = (started + settling - now).total_seconds()
    return Failure(failure.reason, failure.message, failure.permanent, remaining)


def _settling_time(last: Manifest) -> timedelta:
    """Twice as long as the container ran before it ended: a loop can be slow.

    After ten minutes the kubelet, too, takes a restart for the first one.
    """
    started, ended = _parse(last.get("startedAt")), _parse(last.get("finishedAt"))
    if started is None or ended is None or ended - started >= _FORGOTTEN_AFTER:
        return _SETTLING_TIME
    return max(_SETTLING_TIME, 2 * (ended - started))


def last_exit(container: Manifest) -> Manifest | None:
    """How the container ended last; None while it runs for the first time."""
    for state in (container.get("state"), container.get("lastState")):
        if (terminated := (state or {}).get("terminated")) is not None:
            found: Manifest = terminated
            return found
    return None


def exit_failure(name: str, terminated: Manifest, *, vllm: str | None = None) -> Failure:
    """The failure of a container that has exited; Kaito's own containers report a reason.

    `vllm` is the name of the container whose log is vLLM's, if there is one.
    """
    report = termination_message(terminated)
    cause, message = report.get("reason"), report.get("message")
    if isinstance(cause, str) and cause in REASONS:
        reason = REASONS[cause]
        # The container knows its case better: an unreachable registry may come back, a tag that
        # must not change does not, though both are failures of the push.
        retryable = report.get("retryable")
        permanent = not retryable if isinstance(retryable, bool) else reason.permanent
        return Failure(reason, shorten(str(message or reason.meaning)), permanent)
    if terminated.get("reason") == "OOMKilled":
        text = f"container {name} was killed: it exceeded its memory limit or its node's memory"
        return Failure(Reason.OUT_OF_MEMORY, text, permanent=True)
    log = (terminated.get("message") or "").strip()
    if name == vllm and (known := engine_failure(log)) is not None:
        return known
    code = terminated.get("exitCode")
    text = f"container {name} failed with exit code {code}"
    if code == 0:
        text = f"container {name} ended with exit code 0, and is restarted: a server must not end"
    return Failure(Reason.CONTAINER_CRASHED, shorten(f"{text}: {log}" if log else text))


def _scheduling_failure(status: Manifest, now: datetime) -> Failure | GracePeriod | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") != "PodScheduled" or condition.get("status") != "False":
            continue
        since = _parse(condition.get("lastTransitionTime"))
        remaining = _UNSCHEDULABLE_GRACE - (now - since) if since else timedelta(0)
        if remaining > timedelta(0):
            return GracePeriod(remaining.total_seconds())
        message = condition.get("message") or "no node has room for the pod"
        return Failure(Reason.UNSCHEDULABLE, shorten(message))
    return None


def _parse(text: Any) -> datetime | None:
    try:
        return parse_time(str(text))
    except ValueError:
        return None


def shorten(text: str) -> str:
    """One line of limited length. The middle is cut: the start says what, and the end why."""
    line = " ".join(text.split())
    half = _MAX_MESSAGE // 2
    return line if len(line) <= _MAX_MESSAGE else f"{line[: half - 2]} … {line[-half + 2 :]}"
