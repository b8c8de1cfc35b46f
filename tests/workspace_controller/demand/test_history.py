"""What was needed in a window: known only if all of the window is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workspace_controller.demand.history import History, extended, highest, lowest

START = datetime(2026, 1, 1, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def history(*samples: tuple[float, int]) -> History:
    """Samples of (seconds, replicas)."""
    found: History = ()
    for at, replicas in samples:
        moment = START + seconds(at)
        found = extended(found, moment, replicas, keep=seconds(600), gap=seconds(15))
    return found


@pytest.mark.parametrize(
    ("samples", "now", "window", "expected"),
    [
        ([], 0, 10, (None, None)),
        ([(0, 1)], 0, 10, (None, None)),
        ([(0, 1), (5, 1)], 5, 10, (None, None)),
        ([(0, 1), (5, 1), (10, 1)], 10, 10, (1, 1)),
        ([(0, 1), (5, 3), (10, 2)], 10, 10, (2, 3)),
        ([(0, 9), (5, 3), (10, 2)], 10, 5, (2, 2)),
        ([(0, 1), (5, 1), (25, 4), (30, 4)], 30, 10, (None, None)),
        ([(0, 1), (5, 1), (2, 4)], 2, 10, (None, None)),
    ],
    ids=[
        "nothing is known",
        "one sample covers no window",
        "too short",
        "just long enough",
        "both ends",
        "only the window counts",
        "a gap",
        "the clock went back",
    ],
)
def test_window(
    samples: list[tuple[float, int]],
    now: float,
    window: float,
    expected: tuple[int | None, int | None],
) -> None:
    found, moment = history(*samples), START + seconds(now)
    bounds = lowest(found, moment, seconds(window)), highest(found, moment, seconds(window))
    assert bounds == expected


def test_equal_recommendations_take_no_memory() -> None:
    assert len(history(*((5.0 * at, 1) for at in range(1000)))) == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=300), st.sampled_from([30, 60, 600]))
def test_a_history_answers_as_the_list_of_all_samples(needs: list[int], window: int) -> None:
    found = history(*((5.0 * at, need) for at, need in enumerate(needs)))
    now = START + seconds(5.0 * (len(needs) - 1))
    covered = 5 * (len(needs) - 1) >= window
    # A sample stands for the time since the one before.
    within = needs[-(window // 5) :]
    assert highest(found, now, seconds(window)) == (max(within) if covered else None)
    assert lowest(found, now, seconds(window)) == (min(within) if covered else None)
