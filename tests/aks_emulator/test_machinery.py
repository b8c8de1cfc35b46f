"""The loop that brings machines about, on fake machines and a clock that is set by hand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.aks_emulator.pieces import (
    PLACE,
    POOLS,
    ManualClock,
    call,
    fault,
    put,
)
from tests.aks_emulator.pieces import desk as make_desk
from tools.aks_emulator.core.model import PoolState
from tools.aks_emulator.machines.machinery import Machinery
from tools.aks_emulator.machines.seam import FakeMachines
from tools.aks_emulator.web import admin
from tools.aks_emulator.web.desk import Desk

NODE = PLACE.node_name("ws1", 0)


@contextlib.asynccontextmanager
async def looked_after(desk: Desk, machines: FakeMachines) -> AsyncIterator[None]:
    task = asyncio.create_task(Machinery(desk.azure, machines).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def later(desk: Desk, clock: ManualClock, seconds: float) -> None:
    clock.now += seconds
    desk.azure.changed.set()


@pytest.fixture
def machines() -> FakeMachines:
    return FakeMachines()


async def test_a_machine_comes_and_goes_with_its_pool(
    desk: Desk, clock: ManualClock, machines: FakeMachines
) -> None:
    async with looked_after(desk, machines):
        put(desk, "ws1")
        await until(lambda: NODE in machines.running)
        later(desk, clock, 2)
        await until(lambda: desk.azure.state.pools["ws1"].state is PoolState.SUCCEEDED)
        call(desk, "DELETE", f"{POOLS}/ws1")
        await until(lambda: NODE not in machines.running)
        later(desk, clock, 2)
        await until(lambda: "ws1" not in desk.azure.state.pools)


async def test_a_pool_reported_failed_gets_its_machine_all_the_same(
    desk: Desk, clock: ManualClock, machines: FakeMachines
) -> None:
    desk.azure.faults = (fault("fails-then-joins", seconds=10),)
    async with looked_after(desk, machines):
        put(desk, "ws1")
        later(desk, clock, 2)
        await until(lambda: desk.azure.state.pools["ws1"].state is PoolState.FAILED)
        assert machines.running == {}
        later(desk, clock, 10)
        await until(lambda: NODE in machines.running)


async def test_an_eviction_takes_the_machine_and_leaves_the_pool(
    desk: Desk, clock: ManualClock, machines: FakeMachines
) -> None:
    async with looked_after(desk, machines):
        put(desk, "ws1", scaleSetPriority="Spot")
        await until(lambda: NODE in machines.running)
        later(desk, clock, 2)
        assert admin.evict(desk.azure, {"pool": "ws1"}).status == 200
        await until(lambda: not machines.running and not machines.halted)
    pool = desk.azure.state.pools["ws1"]
    assert (pool.state, pool.count) == (PoolState.SUCCEEDED, 1)
    assert admin.evict(desk.azure, {"pool": "ws1"}).status == 404


async def test_a_machine_that_cannot_start_fails_the_pool_and_is_cleared_away(
    desk: Desk, machines: FakeMachines
) -> None:
    machines.failures[NODE] = "no address is free"
    async with looked_after(desk, machines):
        put(desk, "ws1")
        await until(lambda: desk.azure.state.pools["ws1"].state is PoolState.FAILED)
        await until(lambda: desk.azure.state.machines == {})


async def test_a_restart_in_the_middle_goes_on(
    tmp_path: Path, clock: ManualClock, machines: FakeMachines
) -> None:
    first = make_desk(tmp_path, clock)
    put(first, "ws1")
    put(first, "ws2")
    second = make_desk(tmp_path, clock)
    clock.now += 2
    async with looked_after(second, machines):
        await until(lambda: len(machines.running) == 2)
        states = second.azure.state.pools
        await until(
            lambda: all(p.state is PoolState.SUCCEEDED for p in second.azure.state.pools.values())
        )
    assert set(states) == {"system", "ws1", "ws2"}
    third = make_desk(tmp_path, clock)
    call(third, "DELETE", f"{POOLS}/ws1")
    async with looked_after(third, machines):
        await until(lambda: NODE not in machines.running)
    assert PLACE.node_name("ws2", 0) in machines.running
