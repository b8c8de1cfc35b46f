"""When a transfer is too slow."""

import pytest

from tuner.sources.minimum_rate import MinimumRate


class Clock:
    """A clock that the test moves."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("count", "every_seconds", "stops_after"),
    [(1, 1.0, 60.0), (1024, 1.0, None), (1023, 1.0, 60.0), (600 * 1024, 100.0, None), (1, 59, 118)],
    ids=["a byte a second", "just enough", "just too little", "stalls", "seldom"],
)
def test_transfer_below_the_rate_stops(
    count: int, every_seconds: float, stops_after: float | None
) -> None:
    clock = Clock()
    rate = MinimumRate(clock)
    stopped = None
    while stopped is None and clock.seconds < 1000:
        clock.seconds += every_seconds
        if not rate.add(count):
            stopped = clock.seconds
    assert stopped == stops_after


def test_each_window_counts_for_itself() -> None:
    clock = Clock()
    rate = MinimumRate(clock)
    clock.seconds = 60
    assert rate.add(10**9)
    clock.seconds = 120
    assert not rate.add(1)
