"""A token bucket for one class of calls to the cloud: ARM counts reads, writes and deletes
separately. Pure: it gets the time, and returns how long to wait instead of waiting.

The bucket is kept as the generic cell rate algorithm does it, as one moment instead of a count.
Callers reserve the next free token, and the cloud itself can block the bucket. No kept library does
this: limits, pyrate-limiter and aiolimiter make the caller wait or say no. Here a claim learns when
its turn is and shows that, keeps its turn while it is away, and loses the burst to a 429.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

# A reservation lapses when its caller has not come back this long after its turn.
_RESERVATION_TTL = timedelta(minutes=1)
# While the cloud does not respond, the bucket is blocked this long, doubled at each failure.
_MIN_BLOCK_SECONDS, _MAX_BLOCK_SECONDS = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a minute in the long run. A third of them may go out at once, which is the ratio of
    burst and rate of ARM's own buckets."""

    per_minute: int

    @property
    def spacing(self) -> timedelta:
        return timedelta(seconds=60 / self.per_minute)

    @property
    def burst(self) -> int:
        return max(1, self.per_minute // 3)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the caller has to wait. `blocked_by` is the cloud's message where the cloud itself
    asked for the wait."""

    seconds: float
    blocked_by: str = ""


@dataclass(slots=True)
class TokenBucket:
    """Call `acquire` before each call to the cloud, and `succeeded` or `block` after it."""

    rate: Rate
    _full_at: datetime | None = None
    _blocked_until: datetime | None = None
    _blocked_by: str = ""
    _failures: int = 0
    _reservations: dict[str, datetime] = field(default_factory=dict)
    _last_urgent: datetime | None = None

    def acquire(self, caller: str, now: datetime, *, urgent: bool = False) -> Wait | None:
        """Take a token and return None, or reserve one for `caller` at the end of the returned
        wait. An urgent call passes all reservations."""
        if self._blocked_until is not None and now < self._blocked_until:
            return Wait((self._blocked_until - now).total_seconds(), self._blocked_by)
        self._drop_lapsed(now)
        turn = self._reservations.get(caller) or self._take(now)
        if urgent:
            turn = self._advance_urgent(turn, now)
        if turn <= now:
            self._reservations.pop(caller, None)
            return None
        self._reservations[caller] = turn
        return Wait((turn - now).total_seconds())

    def succeeded(self) -> None:
        """Record that the cloud responded."""
        self._failures = 0

    def block(self, now: datetime, seconds: float | None, message: str) -> None:
        """Block the bucket for as long as the cloud asked, or with backoff where it does not
        respond (None). The tokens that are left are lost: the cloud has none for us either."""
        is_blocked = self._blocked_until is not None and now < self._blocked_until
        if seconds is None:
            if is_blocked:
                return
            seconds = min(_MIN_BLOCK_SECONDS * 2.0 ** min(self._failures, 10), _MAX_BLOCK_SECONDS)
            self._failures += 1
        until = now + timedelta(seconds=seconds)
        if self._blocked_until is not None and until <= self._blocked_until:
            return
        self._blocked_until, self._blocked_by = until, message
        self._full_at = until + self.rate.spacing * (self.rate.burst - 1)
        self._reservations.clear()

    def _advance_urgent(self, turn: datetime, now: datetime) -> datetime:
        """Return when an urgent call goes out: at half the rate at most, so that the others make
        progress too."""
        if turn > now:
            last = self._last_urgent
            earliest = now if last is None else last + 2 * self.rate.spacing
            turn = min(turn, max(now, earliest))
        if turn <= now:
            self._last_urgent = now
        return turn

    def _take(self, now: datetime) -> datetime:
        """Take the next free token, and return when it is available."""
        full_at = max(self._full_at or now, now)
        self._full_at = full_at + self.rate.spacing
        return max(now, full_at - self.rate.spacing * (self.rate.burst - 1))

    def _drop_lapsed(self, now: datetime) -> None:
        """Drop lapsed reservations. They are in the order of their time, the oldest first."""
        while self._reservations:
            caller, turn = next(iter(self._reservations.items()))
            if now - turn <= _RESERVATION_TTL:
                return
            del self._reservations[caller]
