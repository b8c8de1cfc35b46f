"""The sweep of pools without a claim, with the cluster's power in the way."""

from dataclasses import replace

import pytest

from gpu_provisioner import agent_pools
from gpu_provisioner.cloud import CloudUnavailable, Pool, PoolState
from tests.gpu_provisioner.world import NAME, World

ORPHAN = Pool(
    name=NAME,
    state=PoolState.SUCCEEDED,
    instance_type="Standard_NC6s_v3",
    tags={agent_pools.MANAGED_BY: agent_pools.US, agent_pools.CLAIM_UID: "gone"},
)


@pytest.fixture
def world() -> World:
    world = World()
    world.cloud.seed(ORPHAN)
    return world


async def sweep_past_the_grace(world: World) -> None:
    """Two sweeps, more than a grace period apart."""
    await world.refresh.sweep()
    world.clock.advance(world.terms.orphan_grace.total_seconds() + 1)
    await world.refresh.sweep()


async def test_an_orphan_goes_after_its_grace(world: World) -> None:
    await world.refresh.sweep()
    assert ("delete", NAME) not in world.cloud.calls
    await sweep_past_the_grace(world)
    assert ("delete", NAME) in world.cloud.calls


@pytest.mark.parametrize(("running", "settled"), [(False, True), (True, False)])
async def test_nothing_is_judged_while_the_cluster_sleeps_or_wakes(
    world: World, running: bool, settled: bool
) -> None:
    steady = world.cloud.state
    world.cloud.state = replace(steady, running=running, settled=settled)
    await sweep_past_the_grace(world)
    world.cloud.state = steady
    await world.refresh.sweep()
    assert ("delete", NAME) not in world.cloud.calls
    await sweep_past_the_grace(world)
    assert ("delete", NAME) in world.cloud.calls


async def test_a_cluster_that_cannot_be_read_ends_the_sweep(world: World) -> None:
    await world.refresh.sweep()
    world.clock.advance(world.terms.orphan_grace.total_seconds() + 1)
    world.cloud.fail_next("cluster", CloudUnavailable("CloudUnavailable", "no answer"))
    with pytest.raises(CloudUnavailable):
        await world.refresh.sweep()
    assert ("delete", NAME) not in world.cloud.calls
