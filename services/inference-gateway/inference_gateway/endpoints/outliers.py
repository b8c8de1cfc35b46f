"""Which replicas answer so much worse than the others that they get no requests. Pure.

Envoy's outlier detection, with its word for it: what counts is what requests meet. A health check
does not see that an engine fails each prompt, or that a neighbor slows its GPU down.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

# What an engine answers itself if it is broken, and neither the request nor its queue.
BROKEN_ENGINE_STATUSES = (500, 502)
# As in Envoy. One client's broken request alone does not make so many in a row on a busy replica.
MAX_CONSECUTIVE_ERRORS = 5
# Prompts differ in length, and a queue in depth: only what no client would call usual counts.
_SLOW_FACTOR = 5.0
SLOW_EXCESS_SECONDS = 1.0
_MIN_SAMPLES = 8
_MAX_SAMPLES = 32
_MAX_AGE_SECONDS = 60.0


class Suspicion(StrEnum):
    """Why an endpoint whose probes are good gets one request at a time, in a client's words."""

    NONE = ""
    SILENT = "does not answer"
    FAILING = "fails every request"
    SLOW = "is far slower than the other replicas"


@dataclass(slots=True)
class Call:
    """One request in flight. `failed` says that it was answered, by a broken model-server."""

    failed: bool = False


def may_eject(others_ready: int, replicas: int) -> bool:
    """Whether one of them may be ejected, when so many others are ready: half of them stay."""
    return 2 * others_ready >= replicas


def is_far_above(seconds: float, others: Sequence[float]) -> bool:
    """Whether a time to the first token is far above the usual one of the others."""
    if not others:
        return False
    usual = median(others)
    return seconds > max(_SLOW_FACTOR * usual, usual + SLOW_EXCESS_SECONDS)


@dataclass(slots=True)
class FirstTokens:
    """The last times to the first token of one replica."""

    _samples: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))
    count: int = 0

    def add(self, now: float, seconds: float) -> None:
        self._samples.append((now, seconds))
        self.count += 1

    def usual_seconds(self, now: float) -> float | None:
        """The median of those of the last minute; None if there are too few."""
        recent = [seconds for at, seconds in self._samples if now - at <= _MAX_AGE_SECONDS]
        return median(recent) if len(recent) >= _MIN_SAMPLES else None

    def forget(self) -> None:
        """Forgets them: they are of a time that is over."""
        self._samples.clear()
