"""Which container to follow next. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from kaito_kube.kinds import Key, Manifest, is_being_deleted, key_of
from kubectl_kaito.logs.choice import statuses_of
from kubectl_kaito.observation import Observation


@dataclass(frozen=True, slots=True)
class Source:
    """A container of a pod, and which of its runs. `ended`: that run writes nothing more.

    `order` sorts as containers start: by the pod's age, then within the pod.
    """

    pod: Key
    pod_uid: str
    container: str
    run: str
    ended: bool
    order: tuple[str, str, int] = ("", "", 0)

    @property
    def place(self) -> tuple[str, str]:
        return self.pod_uid, self.container

    @property
    def identity(self) -> tuple[str, str, str]:
        return (*self.place, self.run)


def next_source(
    seen: Observation,
    container: str | None,
    current: Source | None,
    read: Collection[tuple[str, str, str]],
) -> Source | None:
    """First what runs, of the newest pod; then one after the other. None: wait.

    `read` are the runs that are done with. A container that failed in a pod that lives is waited
    for: it is restarted.
    """
    found = sorted((s for pod in seen.pods for s in _sources(pod)), key=lambda s: s.order)
    fresh = [s for s in found if container in (None, s.container) and s.identity not in read]
    if current is None:
        newest = max((s.order[:2] for s in fresh if not s.ended), default=None)
        running = [s for s in fresh if s.order[:2] == newest and not s.ended]
        return running[0] if running else (fresh[-1] if fresh else None)
    if _restarts(seen, current):
        return next((s for s in fresh if s.place == current.place), None)
    later = [s for s in fresh if s.order >= current.order]
    # A replica of the same age may have an earlier name.
    return next(iter([*later, *(s for s in fresh if not s.ended)]), None)


def _sources(pod: Manifest) -> Iterator[Source]:
    """The runs of a pod's containers, as they start."""
    key, uid = key_of(pod), str(pod["metadata"].get("uid"))
    created = str(pod["metadata"].get("creationTimestamp"))
    for index, status in enumerate(statuses_of(pod)):
        state = status.get("state") or {}
        if (run := state.get("running") or state.get("terminated")) is None:
            continue
        yield Source(
            pod=key,
            pod_uid=uid,
            container=str(status.get("name")),
            run=f"{status.get('restartCount') or 0} {run.get('startedAt')}",
            ended="terminated" in state,
            order=(created, key.name, index),
        )


def _restarts(seen: Observation, current: Source) -> bool:
    """Whether the container will run again, or still does."""
    for pod in seen.pods:
        if str(pod["metadata"].get("uid")) != current.pod_uid or is_being_deleted(pod):
            continue
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return False
        for status in statuses_of(pod):
            if status.get("name") == current.container:
                terminated = (status.get("state") or {}).get("terminated")
                return terminated is None or terminated.get("exitCode") != 0
    return False
