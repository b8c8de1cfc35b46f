"""Queues operations on the cluster while AKS accepts one at a time. Pure.

Every operation may start until AKS refuses one because another is in progress. From then on the
queue admits one operation at a time, the oldest first. Each accepted operation doubles how many
are admitted, until all are again.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# A caller that has not asked again for this long has given up and must not hold up the others.
_ENTRY_TTL = timedelta(seconds=60)
# From this width on, the queue admits everybody again.
_UNLIMITED_WIDTH = 32
# The longer the queue before a caller, the later it asks again, up to a maximum that bounds how
# long a free cluster stays idle.
_SECONDS_PER_RANK, _MAX_WAIT_SECONDS = 0.5, 20.0

_Entry = tuple[str, str]


@dataclass(slots=True)
class OperationQueue:
    """Call `acquire` before each operation, and `accepted`, `busy` or `release` after it."""

    _width: int | None = None
    _not_before: datetime | None = None
    _running: set[str] = field(default_factory=set)
    _queue: list[_Entry] = field(default_factory=list)
    _asked_at: dict[_Entry, datetime] = field(default_factory=dict)

    def acquire(self, name: str, age: str, now: datetime) -> float | None:
        """Admit the operation and return None, or return the seconds after which to ask again
        and keep its place. `age` is a sort key: the oldest sorts first."""
        if self._width is None:
            return None
        entry = (age, name)
        self._enter(entry, now)
        rank, pause = bisect_left(self._queue, entry), self._pause_seconds(now)
        if pause <= 0 and rank < self._width - len(self._running):
            self._remove(entry)
            self._running.add(name)
            return None
        wait = max(pause, _SECONDS_PER_RANK) + _SECONDS_PER_RANK * rank
        return min(wait, max(pause, _MAX_WAIT_SECONDS))

    def accepted(self, name: str) -> None:
        """Record that AKS started the operation."""
        self.release(name)
        if self._width is not None:
            self._width *= 2
            if self._width >= _UNLIMITED_WIDTH:
                self._width, self._queue, self._asked_at = None, [], {}

    def busy(self, name: str, age: str, seconds: float, now: datetime) -> None:
        """Record that the cluster is busy with another operation: nobody tries for that long."""
        self.release(name)
        self._width = 1
        self._not_before = now + timedelta(seconds=seconds)
        self._enter((age, name), now)

    def release(self, name: str) -> None:
        """Record that the operation ended in another way, which says nothing about the cluster."""
        self._running.discard(name)

    def _pause_seconds(self, now: datetime) -> float:
        return (self._not_before - now).total_seconds() if self._not_before else 0.0

    def _enter(self, entry: _Entry, now: datetime) -> None:
        if entry not in self._asked_at:
            insort(self._queue, entry)
        self._asked_at[entry] = now
        while now - self._asked_at[self._queue[0]] > _ENTRY_TTL:
            self._remove(self._queue[0])

    def _remove(self, entry: _Entry) -> None:
        self._queue.remove(entry)
        del self._asked_at[entry]
