"""One class of calls: how many go out, in which order, and what throttling does to them."""

from datetime import UTC, datetime, timedelta

import pytest

from gpu_provisioner.cloud.pacing.token_bucket import Rate, TokenBucket

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def bucket(per_minute: int = 60) -> TokenBucket:
    return TokenBucket(Rate(per_minute))


def sent(bucket: TokenBucket, callers: int, until: int) -> list[tuple[float, int]]:
    """Return when each caller goes, if each comes back at the time it was given."""
    coming = [(0.0, caller) for caller in range(callers)]
    gone: list[tuple[float, int]] = []
    while coming:
        coming.sort()
        moment, caller = coming.pop(0)
        if moment > until:
            break
        wait = bucket.acquire(str(caller), at(moment))
        if wait is None:
            gone.append((moment, caller))
        else:
            coming.append((moment + wait.seconds, caller))
    return gone


@pytest.mark.parametrize(
    ("per_minute", "seconds", "most"),
    [
        (60, 0, 20),
        (60, 10, 30),
        (60, 60, 80),
        (1, 0, 1),
        (1, 60, 2),
        # The default, in the arithmetic of docs/provisioning.md: 500 deletions take 33 s.
        (570, 0, 190),
        (570, 32, 494),
        (570, 33, 503),
    ],
)
def test_budget_limits_calls(per_minute: int, seconds: int, most: int) -> None:
    assert len(sent(bucket(per_minute), 1000, seconds)) == most


def test_callers_go_in_order_and_wait_once() -> None:
    budget = bucket()
    asked: list[int] = []
    for caller in range(40):
        budget.acquire(str(caller), at(0))
    for second in range(1, 21):
        asked += [c for c in range(20, 40) if budget.acquire(str(c), at(second)) is None]
    assert asked == list(range(20, 40))


def test_asking_too_early_keeps_the_reservation() -> None:
    budget = bucket(3)
    assert budget.acquire("a", at(0)) is None
    waits = [budget.acquire("b", at(second)) for second in (0, 5, 10)]
    assert [wait.seconds for wait in waits if wait is not None] == [20, 15, 10]


def test_lapsed_reservation_is_dropped() -> None:
    budget = bucket()
    for caller in range(100):
        budget.acquire(str(caller), at(0))
    budget.acquire("late", at(1000))
    assert budget._reservations == {}


def test_no_call_before_retry_after() -> None:
    budget = bucket()
    budget.block(at(0), 17.0, "Azure answered 429")
    for second in (0, 8, 16.9):
        wait = budget.acquire("a", at(second))
        assert wait is not None
        assert wait.seconds == pytest.approx(17 - second)
        assert wait.blocked_by == "Azure answered 429"
    assert budget.acquire("a", at(17)) is None


def test_calls_do_not_burst_after_throttling() -> None:
    budget = bucket()
    budget.block(at(0), 5.0, "")
    assert [moment for moment, _ in sent(budget, 100, 8)] == [5, 6, 7, 8]


def test_throttling_delays_waiting_callers_only_by_its_own_time() -> None:
    budget = bucket()
    for caller in range(1000):
        budget.acquire(str(caller), at(0))
    budget.block(at(1), 5.0, "")
    assert [moment for moment, _ in sent(budget, 5, 20)] == [6, 7, 8, 9, 10]


def test_longest_block_counts() -> None:
    budget = bucket()
    budget.block(at(0), 30.0, "long")
    budget.block(at(1), 2.0, "short")
    wait = budget.acquire("a", at(2))
    assert wait is not None and wait.seconds == 28


def test_unresponsive_cloud_is_called_with_backoff() -> None:
    budget, now, pauses = bucket(), 0.0, []
    for _ in range(7):
        budget.block(at(now), None, "no answer")
        budget.block(at(now), None, "no answer to another call of the same moment")
        wait = budget.acquire("a", at(now))
        assert wait is not None
        pauses.append(wait.seconds)
        now += wait.seconds
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    budget.succeeded()
    budget.block(at(now), None, "no answer")
    wait = budget.acquire("a", at(now))
    assert wait is not None and wait.seconds == 1


def test_urgent_calls_pass_at_half_the_rate_within_the_budget() -> None:
    budget = bucket(60)
    assert len(sent(budget, 100, 0)) == 20
    assert budget.acquire("urgent", at(0), urgent=True) is None
    assert [budget.acquire("urgent", at(s), urgent=True) is None for s in (1, 2, 3, 4)] == [
        False, True, False, True,
    ]  # fmt: skip
    places = [budget.acquire(str(caller), at(4)) for caller in range(20, 30)]
    assert [wait and wait.seconds for wait in places][:5] == [None, None, None, None, 1.0]
    late = budget.acquire("late", at(4))
    assert late is not None
    assert late.seconds >= 100 + 3 - 20 - 4


def test_urgent_calls_wait_for_retry_after() -> None:
    budget = bucket()
    budget.block(at(0), 10.0, "429")
    wait = budget.acquire("urgent", at(5), urgent=True)
    assert wait is not None
    assert (wait.seconds, wait.blocked_by) == (5.0, "429")
