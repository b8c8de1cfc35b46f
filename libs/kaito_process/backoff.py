"""Pauses between tries that grow, with jitter, and start over after a quiet time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

# 2 ** 16 first pauses exceed any sensible maximum, and larger powers overflow a float.
_MAX_DOUBLINGS = 16


@dataclass(slots=True)
class Backoff:
    """Each pause is twice as long as the one before, up to `max_seconds`.

    Jitter shortens it by up to half, so that those who failed together do not return together. A
    failure that comes `reset_seconds` after the last pause counts as the first again. The figures
    are those of client-go's reflector.
    """

    first_seconds: float = 1.0
    max_seconds: float = 30.0
    reset_seconds: float = 120.0
    rng: random.Random = field(default_factory=random.Random)
    _failures: int = 0
    _paused_until: float = float("-inf")

    def next_seconds(self, now: float) -> float:
        """The pause after a failure at `now`, in seconds of a monotonic clock."""
        if now - self._paused_until >= self.reset_seconds:
            self._failures = 0
        seconds = self._delay_seconds(self._failures)
        self._failures += 1
        self._paused_until = now + seconds
        return seconds

    def pauses(self) -> Iterator[float]:
        """The pauses of one row of failures, without an end."""
        failures = 0
        while True:
            yield self._delay_seconds(failures)
            failures += 1

    def _delay_seconds(self, failures: int) -> float:
        whole = min(self.first_seconds * 2.0 ** min(failures, _MAX_DOUBLINGS), self.max_seconds)
        return whole * (0.5 + self.rng.random() / 2)
