"""Which log of a Workspace says most. Pure."""

from collections.abc import Sequence

from kaito_kube.kinds import Manifest, key_of
from kubectl_kaito.errors import NotFoundError
from kubectl_kaito.observation import Observation
from kubectl_kaito.why.evidence import LogRef, logs_to_read


def choose_log(seen: Observation, container: str | None, *, previous: bool) -> LogRef:
    """A failed run before what runs now, and that before what has ended; of the newest pod.

    Raises:
        NotFoundError: there is no pod, or none has that container; names those that there are.
    """
    pods = sorted(seen.pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))[::-1]
    if not pods:
        raise NotFoundError(
            f"Workspace {seen.namespace}/{seen.name} has no pod: "
            f"`kubectl kaito why {seen.name} -n {seen.namespace}` says what it waits for"
        )
    if container is None:
        failed = [ref for ref in logs_to_read(seen) if not previous or ref.previous]
        return failed[-1] if failed else LogRef(key_of(pods[0]), _telling(pods[0]), previous)
    for pod in pods:
        if container in _names(pod):
            return LogRef(key_of(pod), container, previous)
    known = sorted({name for pod in pods for name in _names(pod)})
    raise NotFoundError(f"no pod has a container {container!r}: there are {', '.join(known)}")


def statuses_of(pod: Manifest) -> list[Manifest]:
    """Of its containers, in the order in which they start."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _telling(pod: Manifest) -> str:
    """The container that runs, the first of them; else the last one that has run."""
    statuses = statuses_of(pod)
    running = [s for s in statuses if "running" in (s.get("state") or {})]
    ended = [s for s in statuses if "terminated" in (s.get("state") or {})]
    for chosen in (*running[:1], *ended[-1:]):
        return str(chosen.get("name"))
    return _names(pod)[0] if _names(pod) else ""


def _names(pod: Manifest) -> list[str]:
    spec = pod.get("spec") or {}
    containers: Sequence[Manifest] = [
        *(spec.get("containers") or ()),
        *(spec.get("initContainers") or ()),
    ]
    return [str(container.get("name")) for container in containers]
