"""One loop per key: serial, woken by changes and by time, paused after failures."""

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


def loops(reconcile, **pace: float) -> WorkQueue:  # type: ignore[no-untyped-def]
    made = WorkQueue("workspace", reconcile, RateLimit(**pace), STEADY)  # type: ignore[arg-type]
    made.start()
    return made


async def test_many_wakeups_during_a_pass_make_one_more_pass() -> None:
    passes: list[Key] = []

    async def reconcile(key: Key) -> None:
        passes.append(key)
        await asyncio.sleep(1)

    running = loops(reconcile)
    for _ in range(5):
        running.enqueue(A)
    await asyncio.sleep(0.5)
    for _ in range(5):
        running.enqueue(A)
    await asyncio.sleep(5)
    assert passes == [A, A]
    assert len(running) == 0


async def test_a_key_never_runs_twice_at_once_and_keys_run_side_by_side() -> None:
    inside: set[Key] = set()
    most = 0

    async def reconcile(key: Key) -> None:
        nonlocal most
        assert key not in inside
        inside.add(key)
        most = max(most, len(inside))
        await asyncio.sleep(1)
        inside.discard(key)

    running = loops(reconcile)
    for _ in range(4):
        running.enqueue(A)
        running.enqueue(B)
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

    running = loops(reconcile, concurrency=3)
    for number in range(10):
        running.enqueue(Key("ns", str(number)))
    await asyncio.sleep(10)
    assert most == 3 and running.active == 0


async def test_a_pass_may_ask_to_look_again_later() -> None:
    times: list[float] = []

    async def reconcile(_: Key) -> float | None:
        times.append(asyncio.get_running_loop().time())
        return 10.0 if len(times) < 3 else None

    running = loops(reconcile)
    running.enqueue(A)
    await asyncio.sleep(60)
    assert [round(t - times[0]) for t in times] == [0, 10, 20]
    assert len(running) == 0


async def test_a_wakeup_comes_before_the_time_asked_for() -> None:
    times: list[float] = []

    async def reconcile(_: Key) -> float:
        times.append(asyncio.get_running_loop().time())
        return 100.0

    running = loops(reconcile)
    running.enqueue(A)
    await asyncio.sleep(5)
    running.enqueue(A)
    await asyncio.sleep(99)
    assert [round(t - times[0]) for t in times] == [0, 5]
    await running.stop()


async def test_failures_pause_longer_each_time_and_wakeups_do_not_cut_the_pause() -> None:
    times: list[float] = []

    async def reconcile(_: Key) -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 4:
            raise Unavailable("no answer")

    running = loops(reconcile, base_delay_seconds=4.0)
    running.enqueue(A)
    for _ in range(50):
        await asyncio.sleep(1)
        running.enqueue(A)
    pauses = [after - before for before, after in itertools.pairwise(times[:4])]
    assert all(2.8 <= pause / 2**n <= 5.2 for n, pause in enumerate(pauses))
    await running.stop()


async def test_keys_woken_before_the_start_run_at_the_start() -> None:
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


async def test_stop_cancels_at_whatever_await_a_pass_is() -> None:
    ended: list[str] = []

    async def reconcile(_: Key) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    running = loops(reconcile)
    running.enqueue(A)
    await asyncio.sleep(1)
    await running.stop()
    assert ended == ["cancelled"]
