"""What speaks for a cause: conditions, claims, pods, events and logs. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kaito_api.conditions import ConditionStatus
from kaito_kube.kinds import Key, Manifest, key_of
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.observation import Observation
from kubectl_kaito.words import plural

_EVENTS = 5
_LOG_LINES = 8
# Reasons of the kubelet for a container that waits for its turn.
_PATIENT = ("PodInitializing", "ContainerCreating")


@dataclass(frozen=True, slots=True)
class LogRef:
    """The log of a container's run: the current one, or the one before."""

    pod: Key
    container: str
    previous: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """`source` is condition, claim, pod, event or log, and `about` the object's name."""

    source: str
    about: str
    text: str
    seconds: float | None = None


def logs_to_read(seen: Observation) -> list[LogRef]:
    """The logs of containers that failed: of the run that did."""
    found = []
    for pod in seen.pods:
        for container in _containers(pod):
            state, last = container.get("state") or {}, container.get("lastState") or {}
            if _failed(state.get("terminated")):
                found.append(LogRef(key_of(pod), str(container.get("name")), False))
            elif _failed(last.get("terminated")):
                found.append(LogRef(key_of(pod), str(container.get("name")), True))
    return found


def evidence(seen: Observation, logs: Mapping[LogRef, str]) -> list[Evidence]:
    """Everything, the closest to the cause first. `logs` are what was read of `logs_to_read`."""
    return [*_claims(seen), *_pods(seen), *_events(seen), *_logs(logs)]


def _claims(seen: Observation) -> Iterator[Evidence]:
    for claim in seen.claims:
        kind = seen.claim_kinds[claim["metadata"]["name"]]
        about = f"{kind.kind} {claim['metadata']['name']}"
        for condition in facts.conditions_of(claim):
            if condition.is_true or not condition.message or condition.type.endswith("Ready"):
                continue
            if condition.status is ConditionStatus.FALSE or not facts.is_ready_claim(claim):
                text = f"{condition.type}={condition.status} {condition.reason}: "
                yield Evidence("claim", about, f"{text}{condition.message}")


def _pods(seen: Observation) -> Iterator[Evidence]:
    for pod in seen.pods:
        about, status = pod["metadata"]["name"], pod.get("status") or {}
        if status.get("phase") == "Failed" and status.get("reason"):
            yield Evidence("pod", about, f"{status['reason']}: {status.get('message') or ''}")
        for condition in status.get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                seconds = facts.seconds_since(condition.get("lastTransitionTime"), seen.now)
                text = f"not scheduled: {condition.get('message') or condition.get('reason')}"
                yield Evidence("pod", about, text, seconds)
        for container in _containers(pod):
            if (failure := _container(container)) is not None:
                yield Evidence("pod", about, failure)


def _container(container: Manifest) -> str | None:
    name = container.get("name")
    state, last = container.get("state") or {}, container.get("lastState") or {}
    restarts = container.get("restartCount") or 0
    for terminated in (state.get("terminated"), last.get("terminated")):
        if terminated and _failed(terminated):
            again = f", restarted {plural(restarts, 'time')}" if restarts else ""
            return f"container {name} {_ending(terminated)}{again}"
    waiting = state.get("waiting") or {}
    if waiting.get("reason") and waiting["reason"] not in _PATIENT:
        detail = f": {waiting['message']}" if waiting.get("message") else ""
        return f"container {name} waits: {waiting['reason']}{detail}"
    return None


def _ending(terminated: Manifest) -> str:
    """Kaito's own containers leave a JSON object as their termination message."""
    reason, code = terminated.get("reason"), terminated.get("exitCode")
    named = f" ({reason})" if reason and reason != "Error" else ""
    text = str(terminated.get("message") or "").strip()
    try:
        report = json.loads(text)
        text = f"{report['reason']}: {report['message']}"
    except (ValueError, KeyError, TypeError):
        pass
    return f"ended with exit code {code}{named}" + (f": {text}" if text else "")


def _events(seen: Observation) -> Iterator[Evidence]:
    """The newest warnings, each message once."""
    newest: dict[tuple[str, str], tuple[float, Evidence]] = {}
    for event in seen.events:
        if event.get("type") != "Warning":
            continue
        involved = event.get("involvedObject") or {}
        text = f"{event.get('reason')}: {event.get('message')}"
        series = (event.get("series") or {}).get("lastObservedTime")
        when = series or event.get("lastTimestamp") or event.get("eventTime")
        created = (event.get("metadata") or {}).get("creationTimestamp")
        seconds = facts.seconds_since(when or created, seen.now)
        about = f"{involved.get('kind')} {involved.get('name')}"
        age = seconds if seconds is not None else float("inf")
        known = newest.get((about, text))
        if known is None or age < known[0]:
            newest[about, text] = age, Evidence("event", about, text, seconds)
    for _, found in sorted(newest.values(), key=lambda each: each[0])[:_EVENTS]:
        yield found


def _logs(logs: Mapping[LogRef, str]) -> Iterator[Evidence]:
    for ref, text in logs.items():
        for line in [line for line in text.splitlines() if line.strip()][-_LOG_LINES:]:
            yield Evidence("log", f"{ref.pod.name}/{ref.container}", _readable(line.strip()))


def _readable(line: str) -> str:
    """Of the JSON objects that Kaito's own containers log, level and message are for people."""
    try:
        record = json.loads(line)
        return f"{record['level']}: {record['message']}"
    except (ValueError, KeyError, TypeError):
        return line


def _containers(pod: Manifest) -> list[Manifest]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _failed(terminated: Manifest | None) -> bool:
    return bool(terminated) and (terminated or {}).get("exitCode") != 0
