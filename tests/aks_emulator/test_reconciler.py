"""The machine reconciler, with fake machines and a manual clock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.aks_emulator.builders import (
    IDS,
    POOLS,
    ManualClock,
    call,
    fault,
    make_context,
    put,
)
from tests.waiting import until
from tools.aks_emulator.core.model import PoolState
from tools.aks_emulator.machines.provider import FakeMachines
from tools.aks_emulator.machines.reconciler import Reconciler
from tools.aks_emulator.web import admin
from tools.aks_emulator.web.context import Context

NODE = IDS.node_name("ws1", 0)


@contextlib.asynccontextmanager
async def reconciling(context: Context, machines: FakeMachines) -> AsyncIterator[None]:
    task = asyncio.create_task(Reconciler(context.azure, machines).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def advance_clock(context: Context, clock: ManualClock, seconds: float) -> None:
    clock.now += seconds
    context.azure.changed.set()


@pytest.fixture
def machines() -> FakeMachines:
    return FakeMachines()


async def test_budget_that_blocks_the_drain_fails_the_deletion_and_keeps_the_machine(
    context: Context, clock: ManualClock, machines: FakeMachines
) -> None:
    machines.held[NODE] = ("default/web-0",)
    async with reconciling(context, machines):
        put(context, "ws1")
        await until(lambda: NODE in machines.running)
        advance_clock(context, clock, 3)
        call(context, "DELETE", f"{POOLS}/ws1")
        await until(lambda: context.azure.state.pools["ws1"].state is PoolState.FAILED)
        response = call(context, "GET", f"{POOLS}/ws1")
        assert response.body is not None
        error = response.body["properties"]["status"]["provisioningError"]
        assert error["code"] == "DeleteVMSSAgentPoolFailed"
        assert "PodDrainFailure" in error["message"] and "[web-0]" in error["message"]
        assert NODE in machines.running


async def test_deletion_that_ignores_budgets_drains_nothing(
    context: Context, clock: ManualClock, machines: FakeMachines
) -> None:
    machines.held[NODE] = ("default/web-0",)
    async with reconciling(context, machines):
        put(context, "ws1")
        await until(lambda: NODE in machines.running)
        advance_clock(context, clock, 3)
        call(context, "DELETE", f"{POOLS}/ws1", query={"ignore-pod-disruption-budget": "true"})
        await until(lambda: NODE not in machines.running)
        advance_clock(context, clock, 3)
        assert "ws1" not in context.azure.state.pools and machines.drained == []


async def test_machine_is_created_and_removed_with_its_pool(
    context: Context, clock: ManualClock, machines: FakeMachines
) -> None:
    async with reconciling(context, machines):
        put(context, "ws1")
        await until(lambda: NODE in machines.running)
        advance_clock(context, clock, 2)
        await until(lambda: context.azure.state.pools["ws1"].state is PoolState.SUCCEEDED)
        call(context, "DELETE", f"{POOLS}/ws1")
        await until(lambda: NODE not in machines.running)
        advance_clock(context, clock, 2)
        await until(lambda: "ws1" not in context.azure.state.pools)


async def test_machine_of_a_failed_pool_still_joins(
    context: Context, clock: ManualClock, machines: FakeMachines
) -> None:
    context.azure.faults = (fault("fails-then-joins", seconds=10),)
    async with reconciling(context, machines):
        put(context, "ws1")
        advance_clock(context, clock, 2)
        await until(lambda: context.azure.state.pools["ws1"].state is PoolState.FAILED)
        assert machines.running == {}
        advance_clock(context, clock, 10)
        await until(lambda: NODE in machines.running)


async def test_eviction_removes_the_machine_and_keeps_the_pool(
    context: Context, clock: ManualClock, machines: FakeMachines
) -> None:
    async with reconciling(context, machines):
        put(context, "ws1", scaleSetPriority="Spot")
        await until(lambda: NODE in machines.running)
        advance_clock(context, clock, 2)
        assert admin.evict(context.azure, {"pool": "ws1"}).status == 200
        await until(lambda: not machines.running and not machines.powered_off)
    pool = context.azure.state.pools["ws1"]
    assert (pool.state, pool.count) == (PoolState.SUCCEEDED, 1)
    assert admin.evict(context.azure, {"pool": "ws1"}).status == 404


async def test_machine_that_cannot_start_fails_its_pool_and_is_removed(
    context: Context, machines: FakeMachines
) -> None:
    machines.failures[NODE] = "no address is free"
    async with reconciling(context, machines):
        put(context, "ws1")
        await until(lambda: context.azure.state.pools["ws1"].state is PoolState.FAILED)
        await until(lambda: context.azure.state.machines == {})


async def test_restarted_reconciler_continues(
    tmp_path: Path, clock: ManualClock, machines: FakeMachines
) -> None:
    first = make_context(tmp_path, clock)
    put(first, "ws1")
    put(first, "ws2")
    second = make_context(tmp_path, clock)
    clock.now += 2
    async with reconciling(second, machines):
        await until(lambda: len(machines.running) == 2)
        states = second.azure.state.pools
        await until(
            lambda: all(p.state is PoolState.SUCCEEDED for p in second.azure.state.pools.values())
        )
    assert set(states) == {"system", "ws1", "ws2"}
    third = make_context(tmp_path, clock)
    call(third, "DELETE", f"{POOLS}/ws1")
    async with reconciling(third, machines):
        await until(lambda: NODE not in machines.running)
    assert IDS.node_name("ws2", 0) in machines.running
