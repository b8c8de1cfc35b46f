"""Follows what a Workspace logs: over lost connections, restarts and new pods."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kaito_api.status import State
from kaito_kube.errors import NotFound, Throttled, Unavailable
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.logs.source import Source, next_source
from kubectl_kaito.observation import Observation

_PAUSE_SECONDS = 1.0
# A minute of an API server that is being upgraded.
_MAX_OUTAGES = 60


@dataclass(frozen=True, slots=True)
class LogLine:
    source: Source
    text: str


def follow(
    look: Callable[[], Observation],
    stream: Callable[[Source, str], Iterator[str]],
    pause: Callable[[float], None],
    container: str | None = None,
) -> Iterator[LogLine]:
    """Each line once, until the Workspace has ended and its containers with it.

    `stream` yields the lines of a container since a time, with their times in front.

    Raises:
        ClusterError: the cluster does not answer for a minute, or refuses.
    """
    read: set[tuple[str, str, str]] = set()
    newest: dict[tuple[str, str], str] = {}
    current: Source | None = None
    outages = 0
    while True:
        try:
            seen = look()
            outages = 0
            source = next_source(seen, container, current, read)
            if source is None and _has_ended(seen):
                return
            if source is not None:
                current = source
                for line in stream(source, newest.get(source.place, "")):
                    time, _, text = line.partition(" ")
                    # The server knows times by the second, so it repeats lines of the last one.
                    if time > newest.get(source.place, ""):
                        newest[source.place] = time
                        yield LogLine(source, text)
                if source.ended:
                    read.add(source.identity)
                    continue
        except NotFound:
            # The pod went between two looks.
            pass
        except (Unavailable, Throttled):
            outages += 1
            if outages > _MAX_OUTAGES:
                raise
        pause(_PAUSE_SECONDS)


def _has_ended(seen: Observation) -> bool:
    return facts.status_of(seen.workspace).get("state") in (State.SUCCEEDED, State.FAILED)
