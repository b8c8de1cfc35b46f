"""The only seam that reads a clock: decisions get `now` as a value."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class SteadyClock:
    """A clock for spans: it starts at the time of day and then passes evenly, whatever happens to
    the time of day. Its moments may be compared with each other only, never with those of objects
    or of other processes."""

    monotonic: Callable[[], float] = time.monotonic
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self._origin = self.monotonic()

    def now(self) -> datetime:
        return self._started + timedelta(seconds=self.monotonic() - self._origin)


@dataclass
class FakeClock:
    """A clock that moves only when `advance` is called."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
