"""The work queue: serial per key, driven by changes and time, with backoff after failures."""

import asyncio
import itertools
import random

import pytest

from kaito_kube.errors import Unavailable
from kaito_kube.kinds import Key
from kaito_kube.work_queue import RateLimit, WorkQueue

A, B = Key("ns", "a"), Key("ns", "b")
STEADY = random.Random(1)

pytestmark = pytest.mark.looptime


def started(reconcile, **limit: float) -> WorkQueue:  # type: ignore[no-untyped-def]
    queue = WorkQueue("workspace", reconcile, RateLimit(**limit), STEADY)  # type: ignore[arg-type]
    queue.start()
    return queue


async def test_keys_enqueued_during_a_pass_cause_one_more_pass() -> None:
    passes: list[Key] = []

    async def reconcile(key: Key) -> None:
        passes.append(key)
        await asyncio.sleep(1)

    queue = started(reconcile)
    for _ in range(5):
        queue.enqueue(A)
    await asyncio.sleep(0.5)
    for _ in range(5):
        queue.enqueue(A)
    await asyncio.sleep(5)
    assert passes == [A, A]
    assert len(queue) == 0


async def test_key_is_serial_and_keys_are_concurrent() -> None:
    inside: set[Key] = set()
    most = 0

    async def reconcile(key: Key) -> None:
        nonlocal most
        assert key not in inside
        inside.add(key)
        most = max(most, len(inside))
        await asyncio.sleep(1)
        inside.discard(key)

    queue = started(reconcile)
    for _ in range(4):
        queue.enqueue(A)
        queue.enqueue(B)
        await asyncio.sleep(0.3)
    await asyncio.sleep(5)
    assert most == 2


async def test_concurrency_is_bounded() -> None:
    inside = most = 0

    async def reconcile(_: Key) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(1)
        inside -= 1

    queue = started(reconcile, concurrency=3)
    for number in range(10):
        queue.enqueue(Key("ns", str(number)))
    await asyncio.sleep(10)
    assert most == 3 and queue.active == 0


async def test_pass_can_request_a_requeue() -> None:
    times: list[float] = []

    async def reconcile(_: Key) -> float | None:
        times.append(asyncio.get_running_loop().time())
        return 10.0 if len(times) < 3 else None

    queue = started(reconcile)
    queue.enqueue(A)
    await asyncio.sleep(60)
    assert [round(t - times[0]) for t in times] == [0, 10, 20]
    assert len(queue) == 0


async def test_enqueue_runs_before_the_requeue_is_due() -> None:
    times: list[float] = []

    async def reconcile(_: Key) -> float:
        times.append(asyncio.get_running_loop().time())
        return 100.0

    queue = started(reconcile)
    queue.enqueue(A)
    await asyncio.sleep(5)
    queue.enqueue(A)
    await asyncio.sleep(99)
    assert [round(t - times[0]) for t in times] == [0, 5]
    await queue.stop()


async def test_backoff_doubles_and_is_not_cut_short_by_enqueue() -> None:
    times: list[float] = []

    async def reconcile(_: Key) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 4:
            raise Unavailable("no response")

    queue = started(reconcile, base_delay_seconds=4.0)
    queue.enqueue(A)
    for _ in range(50):
        await asyncio.sleep(1)
        queue.enqueue(A)
    pauses = [after - before for before, after in itertools.pairwise(times[:4])]
    assert all(2.8 <= pause / 2**n <= 5.2 for n, pause in enumerate(pauses))
    await queue.stop()


async def test_keys_enqueued_before_the_start_run_at_the_start() -> None:
    passes: list[Key] = []

    async def reconcile(key: Key) -> None:
        passes.append(key)

    waiting = WorkQueue("workspace", reconcile)
    waiting.enqueue(A)
    await asyncio.sleep(1)
    assert passes == []
    waiting.start()
    await asyncio.sleep(1)
    assert passes == [A]


async def test_stop_cancels_a_pass_at_any_await() -> None:
    ended: list[str] = []

    async def reconcile(_: Key) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ended.append("canceled")
            raise

    queue = started(reconcile)
    queue.enqueue(A)
    await asyncio.sleep(1)
    await queue.stop()
    assert ended == ["canceled"]
