"""Retries of transient failures, without sleeping."""

from collections.abc import Callable

import pytest

from tuner.retry import RetryPolicy, TransientError


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
