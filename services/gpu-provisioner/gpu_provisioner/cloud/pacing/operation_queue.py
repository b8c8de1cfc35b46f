"""Operations on one cluster, which AKS may refuse while another one is in progress. Pure.

Open at first: all go at once. From the first such refusal on they pass one at a time, the oldest
first, while the others stay away; each that is taken lets twice as many try, until all may again.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# Who did not ask again for so long does not want any more: it holds up nobody.
_LAPSED = timedelta(seconds=60)
_OPEN_FROM = 32
_STEP, _LONGEST = 0.5, 20.0

_Place = tuple[str, str]


@dataclass(slots=True)
class Turnstile:
    """`ask` before each operation; `taken`, `refused` or `left` after it."""

    _width: int | None = None
    _not_before: datetime | None = None
    _inside: set[str] = field(default_factory=set)
    _queue: list[_Place] = field(default_factory=list)
    _asked: dict[_Place, datetime] = field(default_factory=dict)

    def ask(self, name: str, age: str, now: datetime) -> float | None:
        """None: go. Otherwise the seconds after which to ask again; the place is kept. `age`
        sorts: what is oldest sorts first."""
        if self._width is None:
            return None
        place = (age, name)
        self._enter(place, now)
        rank, pause = bisect_left(self._queue, place), self._pause(now)
        if pause <= 0 and rank < self._width - len(self._inside):
            self._leave(place)
            self._inside.add(name)
            return None
        return min(max(pause, _STEP) + _STEP * rank, max(pause, _LONGEST))

    def taken(self, name: str) -> None:
        """The cluster began it."""
        self.left(name)
        if self._width is not None:
            self._width *= 2
            if self._width >= _OPEN_FROM:
                self._width, self._queue, self._asked = None, [], {}

    def refused(self, name: str, age: str, seconds: float, now: datetime) -> None:
        """The cluster is busy with another one; nobody need try for so long."""
        self.left(name)
        self._width = 1
        self._not_before = now + timedelta(seconds=seconds)
        self._enter((age, name), now)

    def left(self, name: str) -> None:
        """It ended in another way, which says nothing of the cluster."""
        self._inside.discard(name)

    def _pause(self, now: datetime) -> float:
        return (self._not_before - now).total_seconds() if self._not_before else 0.0

    def _enter(self, place: _Place, now: datetime) -> None:
        if place not in self._asked:
            insort(self._queue, place)
        self._asked[place] = now
        while now - self._asked[self._queue[0]] > _LAPSED:
            self._leave(self._queue[0])

    def _leave(self, place: _Place) -> None:
        self._queue.remove(place)
        del self._asked[place]
