"""What one replica has had of the requests, and how its share compares with the others'."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Traffic:
    """Mutable; `in_flight_seconds` is the integral of the requests in flight."""

    requests: int = 0
    in_flight: int = 0
    in_flight_seconds: float = 0.0
    _changed_at: float = 0.0

    def start(self, now: float) -> None:
        """One request more."""
        self._count(now, 1)
        self.requests += 1

    def end(self, now: float) -> None:
        """One request less."""
        self._count(now, -1)

    def _count(self, now: float, change: int) -> None:
        self.in_flight_seconds += self.in_flight * (now - self._changed_at)
        self._changed_at = now
        self.in_flight += change


def busiest(values: Sequence[float]) -> float:
    """The largest of the replicas' values, in means of all of them."""
    return max(values) * len(values) / sum(values)
