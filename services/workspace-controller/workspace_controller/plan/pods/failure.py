"""What is wrong with a pod, in the words of the kubelet, the scheduler, or the container."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kaito_api.conditions import parse_time
from kaito_api.reasons import REASONS, Reason
from kaito_kube.kinds import Manifest
from workspace_controller.plan.pods.status import containers, termination_message

# A container that failed and runs again may fail again at once: what it said stands that long.
_SETTLING_TIME = timedelta(seconds=30)


# The scheduler often needs a second look while a node is still joining.
_UNSCHEDULABLE_AFTER = timedelta(seconds=10)


_MAX_MESSAGE = 512


_PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


_CONFIG = ("CreateContainerConfigError", "CreateContainerError")


_MISSING = re.compile(r'(secret|configmap) "([^"]+)" not found')


@dataclass(frozen=True, slots=True)
class GracePeriod:
    """Not trouble yet: look again after that many seconds."""

    requeue_after_seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """`again_seconds` is when it may look different without anything happening."""

    reason: Reason
    message: str
    permanent: bool = False
    requeue_after_seconds: float | None = None


def pod_failure(pod: Manifest, now: datetime) -> Failure | GracePeriod | None:
    """The first thing that keeps the pod from its work."""
    status = pod.get("status") or {}
    if status.get("phase") == "Failed" and (reason := status.get("reason")):
        text = status.get("message") or f"the node refused the pod: {reason}"
        return Failure(Reason.POD_EVICTED, _shorten(text))
    for container in containers(pod):
        found = _container_failure(container, now)
        if found is not None:
            return found
    return _scheduling(status, now)


def _container_failure(container: Manifest, now: datetime) -> Failure | None:
    name = str(container.get("name"))
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason") or ""
    if reason in _PULL:
        image, words = container.get("image"), waiting.get("message") or reason
        return Failure(Reason.IMAGE_PULL_FAILED, _shorten(f"container {name} ({image}): {words}"))
    if reason in _CONFIG:
        return _config(name, waiting.get("message") or reason)
    if (ended := state.get("terminated")) is not None:
        return _ended(name, ended) if ended.get("exitCode") else None
    last = (container.get("lastState") or {}).get("terminated")
    if last is None or not last.get("exitCode"):
        return None
    if (running := state.get("running")) is not None:
        return _settling(name, last, running, now)
    return _ended(name, last)


def _config(name: str, words: str) -> Failure:
    missing = _MISSING.search(words)
    if missing is None:
        return Failure(
            Reason.CONTAINER_CRASHED, _shorten(f"container {name} cannot be made: {words}")
        )
    reason = Reason.SECRET_MISSING if missing.group(1) == "secret" else Reason.CONFIG_MAP_MISSING
    return Failure(reason, _shorten(f"container {name}: {words}"))


def _settling(name: str, last: Manifest, running: Manifest, now: datetime) -> Failure | None:
    began = _time(running.get("startedAt"))
    if began is None or now - began >= _SETTLING_TIME:
        return None
    found = _ended(name, last)
    again = (began + _SETTLING_TIME - now).total_seconds()
    return Failure(found.reason, found.message, found.permanent, again)


def _ended(name: str, ended: Manifest) -> Failure:
    words = termination_message(ended)
    reason, message = words.get("reason"), words.get("message")
    if isinstance(reason, str) and reason in REASONS:
        known = REASONS[reason]
        permanent = known.permanent and words.get("retryable") is not True
        return Failure(known, _shorten(str(message or known.meaning)), permanent)
    if ended.get("reason") == "OOMKilled":
        text = f"container {name} used more memory than its limit or its node has"
        return Failure(Reason.OUT_OF_MEMORY, text, permanent=True)
    code, tail = ended.get("exitCode"), (ended.get("message") or "").strip()
    text = f"container {name} ended with exit code {code}"
    return Failure(Reason.CONTAINER_CRASHED, _shorten(f"{text}: {tail}" if tail else text))


def _scheduling(status: Manifest, now: datetime) -> Failure | GracePeriod | None:
    for condition in _conditions(status):
        if condition.get("type") != "PodScheduled" or condition.get("status") != "False":
            continue
        since = _time(condition.get("lastTransitionTime"))
        waits = _UNSCHEDULABLE_AFTER - (now - since) if since else timedelta(0)
        if waits > timedelta(0):
            return GracePeriod(waits.total_seconds())
        return Failure(Reason.UNSCHEDULABLE, _shorten(condition.get("message") or "no node fits"))
    return None


def _conditions(status: Manifest) -> Iterator[Manifest]:
    yield from status.get("conditions") or ()


def _time(text: Any) -> datetime | None:
    try:
        return parse_time(str(text))
    except ValueError:
        return None


def _shorten(text: str) -> str:
    """In one line and not too long: the beginning says what, and the end why."""
    line = " ".join(text.split())
    half = _MAX_MESSAGE // 2
    return line if len(line) <= _MAX_MESSAGE else f"{line[: half - 2]} … {line[-half + 2 :]}"
