"""When something happened, as objects of Kubernetes say; None where they do not, or no longer."""

from datetime import datetime

from kaito_api.conditions import parse_time
from kaito_kube.kinds import Manifest


def created_at(manifest: Manifest) -> datetime | None:
    return parsed(manifest["metadata"].get("creationTimestamp"))


def true_since(manifest: Manifest, type_: str) -> datetime | None:
    """Since when a condition is True."""
    for condition in (manifest.get("status") or {}).get("conditions") or ():
        if condition.get("type") == type_ and condition.get("status") == "True":
            return parsed(condition.get("lastTransitionTime"))
    return None


def first_start(container: Manifest | None) -> datetime | None:
    """When the container of this status first ran. The kubelet keeps the last two runs."""
    if container is None or container.get("restartCount", 0) > 1:
        return None
    states = (container.get("state") or {}, container.get("lastState") or {})
    runs = [run for state in states for run in state.values() if isinstance(run, dict)]
    times = [found for run in runs if (found := parsed(run.get("startedAt"))) is not None]
    return min(times, default=None)


def run_seconds(container: Manifest | None) -> float | None:
    """How long a container ran that has ended."""
    run = ((container or {}).get("state") or {}).get("terminated") or {}
    return seconds_between(parsed(run.get("startedAt")), parsed(run.get("finishedAt")))


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Never below 0: two machines have written the times."""
    if start is None or end is None:
        return None
    return max(0.0, (end - start).total_seconds())


def parsed(text: object) -> datetime | None:
    try:
        return parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None
