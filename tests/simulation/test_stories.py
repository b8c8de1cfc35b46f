"""Stories that peers know from their users, told step by step; the judge watches all of them."""

import asyncio

import pytest

from gpu_provisioner.cloud import PoolState
from kaito_kube.kinds import NODE_CLAIM, is_being_deleted
from tests.simulation import foreign
from tests.simulation.arm import Fate
from tests.simulation.scene import play, until
from tests.simulation.world import World


def test_controller_killed_during_a_long_create_and_the_claims_deleted_meanwhile() -> None:
    """Upstream's 0.4.3 lets all 60 of 60 claims go, and their pools live on."""

    async def script(world: World) -> None:
        world.arm.fates = [Fate(600, machine=590)] * 60
        names = world.owner.make(60)
        await until(lambda: len(world.arm.pools) == 60)
        world.go_down()
        world.user.delete_everything()
        claims = world.server.all(NODE_CLAIM)
        assert len(claims) == 60 and all(is_being_deleted(claim) for claim in claims)
        await asyncio.sleep(60)
        world.come_up()
        while left := {claim["metadata"]["name"] for claim in world.server.all(NODE_CLAIM)}:
            assert left >= set(world.arm.pools)
            await asyncio.sleep(1)
        assert not world.arm.pools and not set(names) & set(world.owner.wanted)

    play(script)


@pytest.mark.parametrize("takes_pods", [True, False], ids=["controllers too", "controllers stay"])
def test_cluster_stopped_and_started(takes_pods: bool) -> None:
    async def script(world: World) -> None:
        names = world.owner.make(4)
        await until(lambda: len(world.ready()) == 4)
        before = _identities(world)
        world.cycle.begin(takes_pods=takes_pods)
        await until(lambda: not world.power.steady())
        await until(world.power.steady, 7200)
        await until(lambda: len(world.ready()) == 4)
        assert _identities(world) == before
        assert sorted(world.ready()) == sorted(names)

    play(script)


def test_operation_reported_failed_and_its_machine_joins_later() -> None:
    async def script(world: World) -> None:
        world.arm.fates = [Fate(60, fails=True, machine=140)]
        (name,) = world.owner.make(1)
        await until(lambda: world.ready() == [name])
        pool = world.arm.pools[name]
        assert pool.state is PoolState.FAILED and pool.vm is not None
        before = _identities(world)
        await asyncio.sleep(3600)
        assert _identities(world) == before and world.ready() == [name]

    play(script)


def test_a_leader_that_stood_still_acts_no_more() -> None:
    """It had decided to delete a failed pool whose machine joined while it stood still."""

    async def script(world: World) -> None:
        world.arm.fates = [Fate(10, fails=True, machine=200)]
        (name,) = world.owner.make(1)
        await until(lambda: world.arm.pools.keys() == {name})
        leader = next(r for r in world.replicas if r.name == world.leader)
        assert leader.process is not None
        leader.process.stop()
        await until(lambda: world.ready() == [name])
        leader.process.go_on()
        await asyncio.sleep(60)
        assert world.ready() == [name]

    play(script)


def test_someone_elses_pool_has_the_claims_name() -> None:
    async def script(world: World) -> None:
        (name,) = world.owner.make(1)
        foreign.settle(world.stage, world.arm, world.cluster, [name])
        await asyncio.sleep(600)
        assert world.ready() == []
        world.user.end_workspace()
        await until(lambda: not world.server.all(NODE_CLAIM))
        assert world.arm.pools[name].foreign

    play(script)


def _identities(world: World) -> list[tuple[str, str, str]]:
    """Claims by uid, their pools and their Nodes."""
    claims = world.server.all(NODE_CLAIM)
    found = []
    for claim in claims:
        (pool,) = world.arm.of(claim["metadata"]["uid"])
        found.append((claim["metadata"]["uid"], pool.name, pool.vm.node if pool.vm else ""))
    return sorted(found)
