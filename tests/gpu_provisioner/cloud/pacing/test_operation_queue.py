"""Who may try while the cluster takes one operation at a time."""

from datetime import UTC, datetime, timedelta

from gpu_provisioner.cloud.pacing.operation_queue import OperationQueue

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def refused_at_first(turnstile: OperationQueue, names: str) -> None:
    """All of them try at once, and all are refused for five seconds."""
    for name in names:
        assert turnstile.acquire(name, name, at(0)) is None
    for name in names:
        turnstile.busy(name, name, 5.0, at(0))


def passing(turnstile: OperationQueue, names: str, seconds: float) -> str:
    return "".join(name for name in names if turnstile.acquire(name, name, at(seconds)) is None)


def test_as_long_as_nothing_is_refused_all_go() -> None:
    turnstile = OperationQueue()
    assert passing(turnstile, "cab", 0) == "cab"
    turnstile.accepted("c")
    assert passing(turnstile, "cab", 1) == "cab"


def test_after_a_refusal_one_tries_and_it_is_the_oldest() -> None:
    turnstile = OperationQueue()
    refused_at_first(turnstile, "cab")
    assert passing(turnstile, "cab", 4.9) == ""
    assert passing(turnstile, "cba", 5) == "a"
    assert passing(turnstile, "cb", 6) == ""


def test_a_probe_that_is_refused_tries_again_after_the_pause() -> None:
    turnstile = OperationQueue()
    refused_at_first(turnstile, "ab")
    assert passing(turnstile, "ab", 5) == "a"
    turnstile.busy("a", "a", 5.0, at(5))
    assert passing(turnstile, "ab", 9) == ""
    assert passing(turnstile, "ab", 10) == "a"


def test_each_that_is_taken_lets_more_try_until_all_may() -> None:
    turnstile = OperationQueue()
    names = "abcdefghijklmnopqrstuvwxyz"
    refused_at_first(turnstile, names)
    widths = []
    left = names
    while left:
        gone = passing(turnstile, left, 5)
        widths.append(len(gone))
        for name in gone:
            turnstile.accepted(name)
        left = "".join(name for name in left if name not in gone)
    assert widths == [1, 2, 8, 15]


def test_a_cluster_that_takes_one_at_a_time_is_kept_busy_with_few_calls() -> None:
    """Operations of 10 s; everyone comes back when it was told to."""
    turnstile, busy_until, calls = OperationQueue(), 0.0, 0
    order: list[int] = []
    coming = [(0.0, caller) for caller in range(20)]
    while coming:
        coming.sort()
        moment, caller = coming.pop(0)
        name, age = str(caller), f"{caller:02}"
        wait = turnstile.acquire(name, age, at(moment))
        if wait is not None:
            coming.append((moment + wait, caller))
            continue
        calls += 1
        if moment < busy_until:
            turnstile.busy(name, age, 5.0, at(moment))
            coming.append((moment + 5.0, caller))
        else:
            turnstile.accepted(name)
            busy_until = moment + 10
            order.append(caller)
    assert order == sorted(order)
    assert calls <= 3 * 20
    assert moment <= 10 * 20


def test_one_that_never_comes_back_holds_up_nobody() -> None:
    turnstile = OperationQueue()
    refused_at_first(turnstile, "ab")
    assert passing(turnstile, "b", 50) == ""
    assert passing(turnstile, "b", 61) == "b"


def test_one_that_ended_in_another_way_lets_the_next_try() -> None:
    turnstile = OperationQueue()
    refused_at_first(turnstile, "ab")
    assert passing(turnstile, "ab", 5) == "a"
    turnstile.release("a")
    assert passing(turnstile, "b", 6) == "b"
