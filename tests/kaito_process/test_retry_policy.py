"""Retries of transient failures, without sleeping."""

import itertools
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from kaito_process.retry_policy import RetryPolicy, TransientError


def _failing(times: int, retry_after: float | None = None) -> Callable[[], str]:
    failures = [TransientError(f"failure {number}", retry_after) for number in range(times)]

    def work() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    return work


@pytest.mark.parametrize(
    ("failures", "retry_after", "delays"),
    [
        (0, None, []),
        (3, None, [1.0, 2.0, 4.0]),
        (2, 7.0, [7.0, 7.0]),
        (1, 900.0, [10.0]),
    ],
    ids=["no failure", "doubling", "the server's request", "the maximum"],
)
def test_delays(failures: int, retry_after: float | None, delays: list[float]) -> None:
    slept: list[float] = []
    policy = RetryPolicy(
        max_attempts=5, initial_delay_seconds=1, max_delay_seconds=10, sleep=slept.append
    )
    assert policy.call(_failing(failures, retry_after)) == "done"
    assert slept == delays


def test_last_failure_is_raised() -> None:
    policy = RetryPolicy(max_attempts=3, sleep=lambda _: None)
    with pytest.raises(TransientError, match="failure 2"):
        policy.call(_failing(3))


def test_progress_does_not_use_up_attempts() -> None:
    slept: list[float] = []
    policy = RetryPolicy(
        max_attempts=2, initial_delay_seconds=1, sleep=slept.append, clock=lambda: 0.0
    )
    reached = [0]

    def work() -> str:
        reached[0] += 1
        if reached[0] < 6:
            raise TransientError(f"cut {reached[0]}")
        return "done"

    assert policy.call(work, lambda: reached[0]) == "done"
    assert slept == [1.0] * 5


def test_progress_that_was_lost_does_not_count() -> None:
    reached = iter([0, 5, 5, 3, 3, 5])
    policy = RetryPolicy(max_attempts=3, sleep=lambda _: None, clock=lambda: 0.0)
    with pytest.raises(TransientError, match="failure 2"):
        policy.call(_failing(9), lambda: next(reached))


@pytest.mark.parametrize(("bytes_per_attempt", "attempts"), [(10_240, 3), (10_241, 9)])
def test_slow_progress_uses_up_attempts(bytes_per_attempt: int, attempts: int) -> None:
    clock, done = itertools.count(step=10), itertools.count(step=bytes_per_attempt)
    policy = RetryPolicy(max_attempts=3, sleep=lambda _: None, clock=lambda: next(clock))
    made = []

    def work() -> str:
        made.append("attempt")
        if len(made) < 9:
            raise TransientError("cut")
        return "done"

    with nullcontext() if attempts == 9 else pytest.raises(TransientError):
        policy.call(work, lambda: next(done))
    assert len(made) == attempts
