"""Incidents known from other projects, scripted step by step, with every invariant checked."""

import asyncio

from gpu_provisioner.cloud.pools import PoolState
from kaito_kube.kinds import NODE_CLAIM, is_being_deleted
from tests.simulation import foreign_pools
from tests.simulation.arm import CreateOutcome
from tests.simulation.scenario import Scenario, until
from tests.simulation.world import World

# After this time the provisioner acts on what is late; before, it waits in any case.
_SETTLED = 600.0
# Longer than a process's knowledge may be old in a quiet world, so that no call is excused by it.
_KNOWN = 60.0


async def killed_during_long_creates(world: World) -> None:
    """In upstream's 0.4.3, all 60 claims are deleted, but their pools remain."""
    world.arm.create_outcomes = [CreateOutcome(600, ready_after=590)] * 60
    world.creator.make(60)
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


def stopped_and_started(claims: int, *, takes_pods: bool) -> Scenario:
    """Nothing has changed afterwards. With a single node, the repair limit does not help."""

    async def scenario(world: World) -> None:
        names = world.creator.make(claims)
        await until(lambda: len(world.ready()) == claims)
        before = _identities(world)
        world.cycle.begin(takes_pods=takes_pods)
        await until(lambda: not world.power.steady())
        await until(world.power.steady, 7200)
        await until(lambda: len(world.ready()) == claims)
        assert _identities(world) == before
        assert sorted(world.ready()) == sorted(names)

    return scenario


async def failed_operation_joined_later(world: World) -> None:
    """The operation is reported as failed, but its machine joins."""
    await asyncio.sleep(_SETTLED)
    world.arm.create_outcomes = [CreateOutcome(60, fails=True, ready_after=140)]
    (name,) = world.creator.make(1)
    await until(lambda: world.ready() == [name])
    pool = world.arm.pools[name]
    assert pool.state is PoolState.FAILED and pool.vm is not None
    before = _identities(world)
    await asyncio.sleep(3600)
    assert _identities(world) == before and world.ready() == [name]


async def leader_paused(world: World) -> None:
    """A leader is paused just before it deletes a failed pool, and the machine joins meanwhile."""
    await asyncio.sleep(_SETTLED)
    world.arm.create_outcomes = [CreateOutcome(10, fails=True, ready_after=200)]
    (name,) = world.creator.make(1)
    leader = next(replica for replica in world.replicas if replica.name == world.leader)
    process = leader.process
    assert process is not None
    await until(lambda: world.story.tells(f"get pool {name}"), every=0.02)
    await until(lambda: world.story.tells("list nodes", since=f"get pool {name}"), every=0.0005)
    process.pause()
    await until(lambda: world.ready() == [name])
    await asyncio.sleep(_KNOWN)
    process.resume()
    await asyncio.sleep(60)
    assert not process.alive and world.ready() == [name]


async def foreign_pool_has_the_claims_name(world: World) -> None:
    (name,) = world.creator.make(1)
    foreign_pools.create(world.sim, world.arm, world.cluster, [name])
    await asyncio.sleep(2 * _SETTLED)
    assert world.ready() == []
    world.user.end_workspace()
    await until(lambda: not world.server.all(NODE_CLAIM))
    await asyncio.sleep(2 * _SETTLED)
    assert world.arm.pools[name].foreign


def _identities(world: World) -> list[tuple[str, str, str]]:
    """The claims' uids with their pools and Nodes."""
    found = []
    for claim in world.server.all(NODE_CLAIM):
        (pool,) = world.arm.pools_of(claim["metadata"]["uid"])
        found.append((claim["metadata"]["uid"], pool.name, pool.vm.node if pool.vm else ""))
    return sorted(found)
