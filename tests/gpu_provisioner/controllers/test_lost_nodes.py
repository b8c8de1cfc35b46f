"""A Node that disappears: its pool is listed at once, because only the cloud knows why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from gpu_provisioner.controllers.manager import Manager
from kaito_kube.kinds import NODE, NODE_CLAIM
from tests.gpu_provisioner.lifecycle.test_instance_state import SPOT
from tests.gpu_provisioner.world import NAME, World
from tests.simulation.provisioner import SETTINGS

pytestmark = pytest.mark.looptime


async def passed(world: World, seconds: int) -> None:
    for _ in range(seconds):
        world.clock.advance(1)
        await asyncio.sleep(1)


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[Manager]:
    """The provisioner's process, which leads, and a spot claim whose node is Ready."""
    azure = replace(SETTINGS.azure, verify_cluster=False)
    settings = replace(SETTINGS, azure=azure)
    manager = Manager(world.cluster, world.cloud, world.clock, settings, CollectorRegistry())
    manager._leadership.extend(float("inf"))
    world.ask()
    tasks = [asyncio.create_task(work) for work in (manager.watch(), manager.work())]
    await passed(world, 60)
    world.join(NAME)
    await world.cluster.patch(NODE, f"aks-{NAME}-0", {"metadata": {"labels": SPOT}})
    # The listings have come down to one in two minutes.
    await passed(world, 1000)
    assert world.condition("Ready") == ("True", "Ready")
    try:
        yield manager
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def listings(world: World) -> int:
    return world.cloud.calls.count(("list", ""))


async def test_scaled_pool_is_told_within_seconds_and_is_no_eviction() -> None:
    world = World(NODE_CLAIM)
    async with serving(world):
        world.cloud.seed(replace(world.cloud.pools()[NAME], count=0))
        world.evict()
        await passed(world, 5)
        assert world.condition("Ready") == ("False", "PoolScaled")
        assert "deleted after 300 s" in world.message("Ready")
        await passed(world, 100)
        assert world.claim() is not None


async def test_lost_node_costs_one_listing() -> None:
    world = World(NODE_CLAIM)
    async with serving(world):
        before = listings(world)
        world.evict()
        await passed(world, 10)
        assert listings(world) == before + 1
        assert world.condition("Ready") == ("False", "SpotEvicted")
