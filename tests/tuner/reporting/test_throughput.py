"""Rates and the time left."""

import pytest

from tuner.reporting.run import Pace


@pytest.mark.parametrize(
    ("step", "now", "left"),
    [
        (10, 101.0, None),
        (11, 102.0, 178.0),
        (60, 150.0, 40.0),
        (100, 190.0, 0.0),
    ],
    ids=["no step yet", "one step", "half way", "done"],
)
def test_time_left_counts_only_the_steps_of_this_process(
    step: int, now: float, left: float | None
) -> None:
    assert Pace(10, 0, 100.0).eta_seconds(step, 100, now) == left


def test_an_unknown_total_has_no_time_left() -> None:
    assert Pace(0, 0, 0.0).eta_seconds(5, 0, 10.0) is None


def test_tokens_per_second() -> None:
    assert Pace(0, 500, 10.0).tokens_per_second(1500, 20.0) == 100.0
    assert Pace(0, 500, 10.0).tokens_per_second(500, 10.0) == 0.0
