"""Pauses between tries: they grow, they vary, and they start over after a quiet time."""

import random

import pytest

from kaito_process.backoff import Backoff


@pytest.mark.parametrize("seed", range(20))
def test_pauses_double_up_to_the_maximum_with_jitter(seed: int) -> None:
    pauses = Backoff(rng=random.Random(seed)).pauses()
    for whole in (1, 2, 4, 8, 16, 30, 30, 30):
        assert whole / 2 <= next(pauses) <= whole


def test_failures_in_a_row_pause_longer_and_longer_and_later_ones_start_over() -> None:
    backoff = Backoff(rng=random.Random(1))
    now = 0.0
    for _ in range(6):
        now += backoff.next_seconds(now)
    assert 15 <= backoff.next_seconds(now) <= 30
    assert backoff.next_seconds(now + 150 + 1) <= 1


def test_failures_without_an_end_do_not_overflow() -> None:
    pauses = Backoff(max_seconds=60).pauses()
    assert max(next(pauses) for _ in range(5000)) <= 60
