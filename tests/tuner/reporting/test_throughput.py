"""Rates and the remaining time."""

import pytest

from tuner.reporting.throughput import Throughput


@pytest.mark.parametrize(
    ("step", "now", "remaining"),
    [
        (10, 101.0, None),
        (11, 102.0, 178.0),
        (60, 150.0, 40.0),
        (100, 190.0, 0.0),
    ],
    ids=["no step yet", "one step", "half way", "done"],
)
def test_remaining_time_follows_from_the_steps_of_this_process(
    step: int, now: float, remaining: float | None
) -> None:
    assert Throughput(10, 0, 100.0).eta_seconds(step, 100, now) == remaining


def test_remaining_time_is_unknown_without_a_total() -> None:
    assert Throughput(0, 0, 0.0).eta_seconds(5, 0, 10.0) is None


def test_tokens_per_second_count_from_the_start() -> None:
    assert Throughput(0, 500, 10.0).tokens_per_second(1500, 20.0) == 100.0
    assert Throughput(0, 500, 10.0).tokens_per_second(500, 10.0) == 0.0
