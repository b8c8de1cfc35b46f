"""A pool that listings lack: once, for long, and while the cluster is not steady."""

from dataclasses import replace

import pytest

from gpu_provisioner.cloud.pools import Pool
from tests.gpu_provisioner.world import KINDS, NAME, World


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param, leaves_nodes=True)
    world.ask()
    await world.run(12)
    assert world.condition("Ready") == ("True", "Ready")
    return world


def hide(world: World) -> Pool:
    """Remove the pool from all responses of the cloud."""
    return world.cloud._pools.pop(NAME)


async def test_one_listing_without_the_pool_is_tolerated(world: World) -> None:
    pool = hide(world)
    await world.run(1)
    assert world.condition("Launched") == ("Unknown", "PoolMissing")
    assert world.condition("Ready") == ("False", "PoolMissing")
    world.cloud.seed(pool)
    await world.run(1)
    assert world.condition("Ready") == ("True", "Ready")
    hide(world)
    await world.run(58)
    assert world.claim() is not None, "the grace period starts again"


@pytest.mark.parametrize("after_restart", [False, True], ids=["", "restarted"])
async def test_claim_is_deleted_when_pool_is_gone_for_good(
    world: World, after_restart: bool
) -> None:
    hide(world)
    await world.run(30)
    if after_restart:
        world.start()
    await world.run(28)
    assert world.condition("Launched") == ("Unknown", "PoolMissing")
    await world.run(50)
    assert world.claim() is None
    assert world.events() == ["PoolMissing"]
    assert ("create", NAME) in world.cloud.calls and ("delete", NAME) not in world.cloud.calls


async def test_pool_missing_from_listings_is_confirmed_by_name(world: World) -> None:
    """The cloud finds the pool by its name."""
    world.cloud.unlisted.add(NAME)
    await world.run(500)
    assert world.condition("Launched")[1] in ("PoolMissing", "Launched")
    assert world.claim() is not None
    assert ("delete", NAME) not in world.cloud.calls


async def test_nothing_is_deleted_while_cluster_is_stopped(world: World) -> None:
    world.cloud.state = replace(world.cloud.state, running=False)
    pool = hide(world)
    await world.run(500)
    assert world.condition("Launched") == ("Unknown", "PoolMissing")
    assert "the AKS cluster is stopped" in world.message("Launched")
    world.cloud.seed(pool)
    world.cloud.state = replace(world.cloud.state, running=True)
    await world.run(5)
    assert world.condition("Ready") == ("True", "Ready")


async def test_claim_shows_missing_pool_before_another_is_created() -> None:
    world = World(joins=False)
    world.ask()
    await world.run(10)
    assert world.condition("Launched") == ("True", "Launched")
    hide(world)
    await world.run(1)
    assert world.condition("Launched") == ("Unknown", "LaunchPending")
    assert world.cloud.calls.count(("create", NAME)) == 1
    await world.run(1)
    assert world.cloud.calls.count(("create", NAME)) == 2
