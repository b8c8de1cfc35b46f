"""Patience with passing failures, on an injected clock."""

from collections.abc import Callable

import pytest

from tuner.retry import Patience, TransientError, persist


def _failing(times: int, after: float | None = None) -> Callable[[], str]:
    left = [TransientError(f"failure {number}", after) for number in range(times)]

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


@pytest.mark.parametrize(
    ("failures", "after", "pauses"),
    [
        (0, None, []),
        (3, None, [1.0, 2.0, 4.0]),
        (2, 7.0, [7.0, 7.0]),
        (1, 900.0, [10.0]),
    ],
    ids=["at once", "doubling", "the server's wish", "the longest"],
)
def test_pauses(failures: int, after: float | None, pauses: list[float]) -> None:
    slept: list[float] = []
    patience = Patience(tries=5, first_seconds=1, longest_seconds=10, sleep=slept.append)
    assert persist(_failing(failures, after), patience) == "done"
    assert slept == pauses


def test_the_last_failure_passes_through() -> None:
    patience = Patience(tries=3, sleep=lambda _: None)
    with pytest.raises(TransientError, match="failure 2"):
        persist(_failing(3), patience)
