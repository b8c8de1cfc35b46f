"""One class of calls to the cloud: ARM counts reads, writes and deletes apart. Pure: it is told
the time, and says how long to stay away instead of waiting.

A token bucket (as the generic cell rate algorithm keeps it: one moment instead of a count) whose
next free tokens can be reserved, behind a gate that the cloud itself closes.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

# Who does not come for its place within this time gives it up.
_KEPT = timedelta(minutes=1)
# While the cloud does not answer at all the gate stays shut this long, and twice as long each time.
_FIRST_CLOSURE, _LONGEST_CLOSURE = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls on the long run; a third of a minute's at once, as ARM's own buckets hold."""

    per_minute: int

    @property
    def spacing(self) -> timedelta:
        return timedelta(seconds=60 / self.per_minute)

    @property
    def burst(self) -> int:
        return max(1, self.per_minute // 3)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may go out for so long; `closed` says why where the cloud itself asked for it."""

    seconds: float
    closed: str = ""


@dataclass(slots=True)
class Lane:
    """`ask` before each call, `done` or `close` after it."""

    rate: Rate
    _full_at: datetime | None = None
    _closed_until: datetime | None = None
    _closed: str = ""
    _failures: int = 0
    _places: dict[str, datetime] = field(default_factory=dict)
    _passed: datetime | None = None

    def ask(self, who: str, now: datetime, *, urgent: bool = False) -> Wait | None:
        """None: go. Otherwise a place is kept for `who` at the end of that wait. What is `urgent`
        passes all places."""
        if self._closed_until is not None and now < self._closed_until:
            return Wait((self._closed_until - now).total_seconds(), self._closed)
        self._forget(now)
        place = self._places.get(who) or self._take(now)
        if urgent:
            place = self._passing(place, now)
        if place <= now:
            self._places.pop(who, None)
            return None
        self._places[who] = place
        return Wait((place - now).total_seconds())

    def done(self) -> None:
        """The cloud answered."""
        self._failures = 0

    def close(self, now: datetime, seconds: float | None, why: str) -> None:
        """The cloud asked to be left alone for so long, or (None) does not answer. What was left
        of the bucket is gone."""
        shut = self._closed_until is not None and now < self._closed_until
        if seconds is None:
            if shut:
                return
            seconds = min(_FIRST_CLOSURE * 2.0 ** min(self._failures, 10), _LONGEST_CLOSURE)
            self._failures += 1
        until = now + timedelta(seconds=seconds)
        if self._closed_until is not None and until <= self._closed_until:
            return
        self._closed_until, self._closed = until, why
        self._full_at = until + self.rate.spacing * (self.rate.burst - 1)
        self._places.clear()

    def _passing(self, place: datetime, now: datetime) -> datetime:
        """When what is urgent goes: at half the rate at most, so that the others move on too."""
        if place > now:
            next_ = now if self._passed is None else self._passed + 2 * self.rate.spacing
            place = min(place, max(now, next_))
        if place <= now:
            self._passed = now
        return place

    def _take(self, now: datetime) -> datetime:
        """Takes the next free token, and says when it is there."""
        full_at = max(self._full_at or now, now)
        self._full_at = full_at + self.rate.spacing
        return max(now, full_at - self.rate.spacing * (self.rate.burst - 1))

    def _forget(self, now: datetime) -> None:
        """Places are in the order of their time: the first are the oldest."""
        while self._places:
            who, place = next(iter(self._places.items()))
            if now - place <= _KEPT:
                return
            del self._places[who]
