"""The clock for spans."""

from datetime import UTC, datetime, timedelta

from kaito_kube.clock import SteadyClock


def test_steady_clock_passes_with_the_monotonic_clock_only() -> None:
    seconds = [100.0]
    started = datetime(2026, 1, 1, tzinfo=UTC)
    clock = SteadyClock(lambda: seconds[0], started)
    assert clock.now() == started
    seconds[0] += 30
    assert clock.now() == started + timedelta(seconds=30)


def test_steady_clock_starts_at_the_time_of_day() -> None:
    assert abs(SteadyClock().now() - datetime.now(UTC)) < timedelta(minutes=1)
