"""Queues operations on the cluster while AKS accepts one at a time. Pure.

Every operation may start until AKS refuses one because another is in progress. From then on the
queue admits one operation at a time, the oldest first. Each accepted operation doubles how many
are admitted, until all are again. Deletions and creations take turns, the deletions first: a pool
costs money until it is deleted, and a Workspace waits for a pool that is created.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

# A caller that has not asked again for this long has given up and must not hold up the others.
_ENTRY_TTL = timedelta(seconds=60)
# From this width on, the queue admits everybody again.
_UNLIMITED_WIDTH = 32
# The longer the queue before a caller, the later it asks again, up to a maximum that bounds how
# long a free cluster stays idle.
_SECONDS_PER_RANK, _MAX_WAIT_SECONDS = 0.5, 20.0


class OperationType(Enum):
    """Nobody waits for an update, so updates come last."""

    DELETION = auto()
    CREATION = auto()
    UPDATE = auto()


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation on the pool of that name. `age` is a sort key: the oldest sorts first."""

    age: str
    name: str
    type: OperationType = OperationType.CREATION


def _age(operation: Operation) -> tuple[str, str]:
    return operation.age, operation.name


def _turn_after(admitted: OperationType) -> OperationType:
    is_deletion = admitted is OperationType.DELETION
    return OperationType.CREATION if is_deletion else OperationType.DELETION


def _empty() -> dict[OperationType, list[Operation]]:
    return {type_: [] for type_ in OperationType}


@dataclass(slots=True)
class OperationQueue:
    """Call `acquire` before each operation, and `accepted`, `busy` or `release` after it."""

    _width: int | None = None
    _not_before: datetime | None = None
    _turn: OperationType = OperationType.DELETION
    _running: set[Operation] = field(default_factory=set)
    _waiting: dict[OperationType, list[Operation]] = field(default_factory=_empty)
    _asked_at: dict[Operation, datetime] = field(default_factory=dict)

    def acquire(self, operation: Operation, now: datetime) -> float | None:
        """Admit the operation and return None, or return the seconds after which to ask again
        and keep its place."""
        if self._width is None:
            return None
        self._enter(operation, now)
        rank, pause = self._rank(operation), self._pause_seconds(now)
        if pause <= 0 and rank < self._width - len(self._running):
            self._remove(operation)
            self._running.add(operation)
            return None
        wait = max(pause, _SECONDS_PER_RANK) + _SECONDS_PER_RANK * rank
        return min(wait, max(pause, _MAX_WAIT_SECONDS))

    def accepted(self, operation: Operation) -> None:
        """Record that AKS started the operation."""
        self.release(operation)
        if self._width is not None:
            self._width *= 2
            self._turn = _turn_after(operation.type)
            if self._width >= _UNLIMITED_WIDTH:
                self._width, self._turn = None, OperationType.DELETION
                self._waiting, self._asked_at = _empty(), {}

    def busy(self, operation: Operation, seconds: float, now: datetime) -> None:
        """Record that the cluster is busy with another operation: nobody tries for that long."""
        self.release(operation)
        self._width = 1
        self._not_before = now + timedelta(seconds=seconds)
        self._enter(operation, now)

    def release(self, operation: Operation) -> None:
        """Record that the operation ended in another way, which says nothing about the cluster."""
        self._running.discard(operation)

    def _rank(self, operation: Operation) -> int:
        """Return how many of those that wait go first."""
        deletions = self._waiting[OperationType.DELETION]
        creations = self._waiting[OperationType.CREATION]
        place = bisect_left(self._waiting[operation.type], _age(operation), key=_age)
        if operation.type is OperationType.UPDATE:
            return place + len(deletions) + len(creations)
        others = creations if operation.type is OperationType.DELETION else deletions
        return place + min(len(others), place if self._turn is operation.type else place + 1)

    def _pause_seconds(self, now: datetime) -> float:
        return (self._not_before - now).total_seconds() if self._not_before else 0.0

    def _enter(self, operation: Operation, now: datetime) -> None:
        if operation not in self._asked_at:
            insort(self._waiting[operation.type], operation, key=_age)
        self._asked_at[operation] = now
        for waiting in self._waiting.values():
            while waiting and now - self._asked_at[waiting[0]] > _ENTRY_TTL:
                self._remove(waiting[0])

    def _remove(self, operation: Operation) -> None:
        self._waiting[operation.type].remove(operation)
        del self._asked_at[operation]
