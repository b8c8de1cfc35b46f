"""The only seam that reads a clock: decisions get `now` as a value.

Nothing measures a span with the machine's time of day, which is set back and forth: by hand, by
NTP, by a hypervisor.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time in UTC."""
        ...


@dataclass
class SteadyClock:
    """A clock that passes evenly, whatever happens to the machine's time of day.

    It starts at that time, and `adopt` sets it to the API server's with the first response. Spans
    that survive a restart begin at times that the API server wrote, so they are right even where
    the machine's time of day is not. Both happen once: a clock that followed anybody's would go
    back with it.
    """

    monotonic: Callable[[], float] = time.monotonic
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _adopted: bool = False

    def __post_init__(self) -> None:
        self._origin = self.monotonic()

    def now(self) -> datetime:
        return self._started + timedelta(seconds=self.monotonic() - self._origin)

    def adopt(self, moment: datetime) -> None:
        """Continue from `moment`, the API server's time. Only the first call has an effect."""
        if not self._adopted:
            self._started, self._origin, self._adopted = moment, self.monotonic(), True


@dataclass
class FakeClock:
    """A clock that moves only when `advance` is called."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
