"""Which operation may start while the cluster accepts one at a time."""

from datetime import UTC, datetime, timedelta

from gpu_provisioner.cloud.pacing.operation_queue import (
    Operation,
    OperationQueue,
    OperationType,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def creation(name: str) -> Operation:
    return Operation(name, name)


def deletion(name: str) -> Operation:
    return Operation("", name, OperationType.DELETION)


def refused_at_first(queue: OperationQueue, names: str) -> None:
    """All try at once, and all are refused for five seconds."""
    for name in names:
        assert queue.acquire(creation(name), at(0)) is None
    for name in names:
        queue.busy(creation(name), 5.0, at(0))


def passing(queue: OperationQueue, names: str, seconds: float) -> str:
    return "".join(name for name in names if queue.acquire(creation(name), at(seconds)) is None)


def test_all_operations_start_while_none_is_refused() -> None:
    queue = OperationQueue()
    assert passing(queue, "cab", 0) == "cab"
    queue.accepted(creation("c"))
    assert passing(queue, "cab", 1) == "cab"


def test_only_the_oldest_tries_after_a_refusal() -> None:
    queue = OperationQueue()
    refused_at_first(queue, "cab")
    assert passing(queue, "cab", 4.9) == ""
    assert passing(queue, "cba", 5) == "a"
    assert passing(queue, "cb", 6) == ""


def test_refused_probe_is_retried_after_the_pause() -> None:
    queue = OperationQueue()
    refused_at_first(queue, "ab")
    assert passing(queue, "ab", 5) == "a"
    queue.busy(creation("a"), 5.0, at(5))
    assert passing(queue, "ab", 9) == ""
    assert passing(queue, "ab", 10) == "a"


def test_each_accepted_operation_doubles_the_width() -> None:
    queue = OperationQueue()
    names = "abcdefghijklmnopqrstuvwxyz"
    refused_at_first(queue, names)
    widths = []
    left = names
    while left:
        gone = passing(queue, left, 5)
        widths.append(len(gone))
        for name in gone:
            queue.accepted(creation(name))
        left = "".join(name for name in left if name not in gone)
    assert widths == [1, 2, 8, 15]


def test_serial_cluster_stays_busy_with_few_calls() -> None:
    """Operations take 10 s, and every caller comes back at the time it was given."""
    queue, busy_until, calls = OperationQueue(), 0.0, 0
    order: list[int] = []
    coming = [(0.0, caller) for caller in range(20)]
    while coming:
        coming.sort()
        moment, caller = coming.pop(0)
        operation = Operation(f"{caller:02}", str(caller))
        wait = queue.acquire(operation, at(moment))
        if wait is not None:
            coming.append((moment + wait, caller))
            continue
        calls += 1
        if moment < busy_until:
            queue.busy(operation, 5.0, at(moment))
            coming.append((moment + 5.0, caller))
        else:
            queue.accepted(operation)
            busy_until = moment + 10
            order.append(caller)
    assert order == sorted(order)
    assert calls <= 3 * 20
    assert moment <= 10 * 20


def test_absent_caller_does_not_block_the_queue() -> None:
    queue = OperationQueue()
    refused_at_first(queue, "ab")
    assert passing(queue, "b", 50) == ""
    assert passing(queue, "b", 61) == "b"


def test_operation_that_ends_otherwise_admits_the_next() -> None:
    queue = OperationQueue()
    refused_at_first(queue, "ab")
    assert passing(queue, "ab", 5) == "a"
    queue.release(creation("a"))
    assert passing(queue, "b", 6) == "b"


def order_on_a_serial_cluster(operations: list[Operation]) -> list[Operation]:
    """Return the order in which a cluster starts them where each takes 10 s. Everybody asks every
    5 s."""
    queue, started, now, busy_until = OperationQueue(), list[Operation](), 0.0, 0.0
    for operation in operations:
        assert queue.acquire(operation, at(0)) is None
    for operation in operations:
        queue.busy(operation, 5.0, at(0))
    while len(started) < len(operations):
        now += 5.0
        for operation in [o for o in operations if o not in started]:
            if queue.acquire(operation, at(now)) is not None:
                continue
            if now < busy_until:
                queue.busy(operation, 5.0, at(now))
            else:
                queue.accepted(operation)
                started.append(operation)
                busy_until = now + 10
    return started


def test_ten_deletions_do_not_hold_up_creations() -> None:
    deletions = [deletion(f"d{number}") for number in range(10)]
    creations = [creation(name) for name in "abc"]
    order = order_on_a_serial_cluster([*deletions, *creations])
    assert [operation.name for operation in order] == [
        "d0", "a", "d1", "b", "d2", "c", "d3", "d4", "d5", "d6", "d7", "d8", "d9",
    ]  # fmt: skip


def test_ten_creations_do_not_hold_up_a_deletion() -> None:
    creations = [creation(name) for name in "abcdefghij"]
    order = order_on_a_serial_cluster([*creations, deletion("gone")])
    assert order[0] == deletion("gone")


def test_updates_come_last() -> None:
    update = Operation("", "marks", OperationType.UPDATE)
    order = order_on_a_serial_cluster([update, creation("a"), deletion("d"), creation("b")])
    assert [operation.name for operation in order] == ["d", "a", "b", "marks"]
