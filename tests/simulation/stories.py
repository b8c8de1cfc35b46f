"""Stories that peers know from their users, told step by step; the judge watches all of them."""

import asyncio

from gpu_provisioner.cloud.pools import PoolState
from kaito_kube.kinds import NODE_CLAIM, is_being_deleted
from tests.simulation import foreign
from tests.simulation.arm import Fate
from tests.simulation.scene import Script, until
from tests.simulation.world import World

# After this the provisioner judges what is late: before, it would wait whatever it believed.
_SETTLED = 600.0


async def killed_during_long_creates(world: World) -> None:
    """Upstream's 0.4.3 lets all 60 of 60 claims go, and their pools live on."""
    world.arm.fates = [Fate(600, machine=590)] * 60
    world.owner.make(60)
    await until(lambda: len(world.arm.pools) == 60)
    world.go_down()
    world.user.delete_everything()
    claims = world.server.all(NODE_CLAIM)
    assert len(claims) == 60 and all(is_being_deleted(claim) for claim in claims)
    await asyncio.sleep(60)
    assert {pool.state for pool in world.arm.pools.values()} == {PoolState.CREATING}
    world.come_up()
    while left := {claim["metadata"]["name"] for claim in world.server.all(NODE_CLAIM)}:
        assert left >= set(world.arm.pools)
        await asyncio.sleep(1)
    assert not world.arm.pools


def stopped_and_started(claims: int, *, takes_pods: bool) -> Script:
    """Everything is as it was afterwards; of one node alone no brake on repairs takes care."""

    async def script(world: World) -> None:
        names = world.owner.make(claims)
        await until(lambda: len(world.ready()) == claims)
        before = _identities(world)
        world.cycle.begin(takes_pods=takes_pods)
        await until(lambda: not world.power.steady())
        await until(world.power.steady, 7200)
        await until(lambda: len(world.ready()) == claims)
        assert _identities(world) == before
        assert sorted(world.ready()) == sorted(names)

    return script


async def failed_and_joined_later(world: World) -> None:
    """The operation is reported failed, and its machine joins all the same."""
    await asyncio.sleep(_SETTLED)
    world.arm.fates = [Fate(60, fails=True, machine=140)]
    (name,) = world.owner.make(1)
    await until(lambda: world.ready() == [name])
    pool = world.arm.pools[name]
    assert pool.state is PoolState.FAILED and pool.vm is not None
    before = _identities(world)
    await asyncio.sleep(3600)
    assert _identities(world) == before and world.ready() == [name]


async def a_leader_that_stood_still(world: World) -> None:
    """It had looked twice at a failed pool and was about to delete it; the machine joined while
    it stood still."""
    await asyncio.sleep(_SETTLED)
    world.arm.fates = [Fate(10, fails=True, machine=200)]
    (name,) = world.owner.make(1)
    leader = next(replica for replica in world.replicas if replica.name == world.leader)
    process = leader.process
    assert process is not None
    await until(lambda: world.story.tells(f"get pool {name}"), every=0.02)
    await until(lambda: world.story.tells("list nodes", since=f"get pool {name}"), every=0.0005)
    process.stop()
    await until(lambda: world.ready() == [name])
    process.go_on()
    await asyncio.sleep(60)
    assert not process.alive and world.ready() == [name]


async def someone_elses_pool_has_the_claims_name(world: World) -> None:
    (name,) = world.owner.make(1)
    foreign.settle(world.stage, world.arm, world.cluster, [name])
    await asyncio.sleep(2 * _SETTLED)
    assert world.ready() == []
    world.user.end_workspace()
    await until(lambda: not world.server.all(NODE_CLAIM))
    await asyncio.sleep(2 * _SETTLED)
    assert world.arm.pools[name].foreign


def _identities(world: World) -> list[tuple[str, str, str]]:
    """Claims by uid, their pools and their Nodes."""
    found = []
    for claim in world.server.all(NODE_CLAIM):
        (pool,) = world.arm.of(claim["metadata"]["uid"])
        found.append((claim["metadata"]["uid"], pool.name, pool.vm.node if pool.vm else ""))
    return sorted(found)
