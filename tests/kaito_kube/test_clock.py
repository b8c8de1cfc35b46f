"""The clock for spans."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kaito_kube import clock as clocks
from kaito_kube.clock import SteadyClock

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["an hour back", "an hour forward"])
def test_machine_whose_time_of_day_is_set_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    class TimeOfDay(datetime):
        """`moment` is what the machine says."""

        moment = STARTED

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.moment

    monkeypatch.setattr(clocks, "datetime", TimeOfDay)
    seconds = [100.0]
    clock = SteadyClock(lambda: seconds[0], TimeOfDay.now())
    TimeOfDay.moment += jump
    seconds[0] += 30
    assert clock.now() == STARTED + timedelta(seconds=30)


@pytest.mark.parametrize("wrong", [-HOUR, HOUR], ids=["an hour behind", "an hour ahead"])
def test_clock_continues_from_the_first_time_that_it_adopts(wrong: timedelta) -> None:
    seconds = [100.0]
    clock = SteadyClock(lambda: seconds[0], STARTED + wrong)
    seconds[0] += 5
    clock.adopt(STARTED)
    assert clock.now() == STARTED
    seconds[0] += 30
    clock.adopt(STARTED + HOUR)
    assert clock.now() == STARTED + timedelta(seconds=30)


def test_steady_clock_passes_with_the_monotonic_clock_only() -> None:
    seconds = [100.0]
    started = datetime(2026, 1, 1, tzinfo=UTC)
    clock = SteadyClock(lambda: seconds[0], started)
    assert clock.now() == started
    seconds[0] += 30
    assert clock.now() == started + timedelta(seconds=30)


def test_steady_clock_starts_at_the_time_of_day() -> None:
    assert abs(SteadyClock().now() - datetime.now(UTC)) < timedelta(minutes=1)
