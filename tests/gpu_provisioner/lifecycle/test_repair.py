"""Nodes that are unhealthy for too long, and when repair is blocked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gpu_provisioner.cloud.pools import PoolState
from gpu_provisioner.settings import Timeouts
from kaito_kube.kinds import Kind
from tests.gpu_provisioner.world import KINDS, NAME, World, claim_manifest

MINUTE = 12


async def ready(kind: Kind, number: int, timeouts: Timeouts | None = None) -> World:
    """Return a world with that many claims, ws0 and so on, all Ready."""
    world = World(kind, timeouts=timeouts or Timeouts())
    for index in range(number):
        world.cluster.seed(world.kind, claim_manifest(world.kind, f"ws{index}"))
    await world.run(12)
    assert all(world.condition("Ready", f"ws{n}") == ("True", "Ready") for n in range(number))
    return world


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("status", ["False", "Unknown"])
async def test_claim_is_deleted_when_node_is_down_for_ten_minutes(kind: Kind, status: str) -> None:
    world = await ready(kind, 1)
    world.set_ready("ws0", status)
    await world.run(9 * MINUTE)
    assert world.condition("Ready", "ws0") == ("False", "NodesNotReady")
    await world.run(MINUTE + 3)
    leaving = world.claim("ws0")
    assert leaving is not None and leaving["metadata"]["deletionTimestamp"]
    assert world.condition("Ready", "ws0") == ("False", "NodeUnhealthy"), "and says why it goes"
    await world.run(12)
    assert world.claim("ws0") is None and world.cloud.pools() == {}
    assert world.events() == ["NodeUnhealthy"]


async def test_recovered_node_is_kept() -> None:
    world = await ready(KINDS[0], 1)
    for _ in range(5):
        world.set_ready("ws0", "Unknown")
        await world.run(9 * MINUTE)
        world.set_ready("ws0", "True")
        await world.run(MINUTE)
    assert world.condition("Ready", "ws0") == ("True", "Ready")


@pytest.mark.parametrize(
    ("nodes", "down", "repaired"),
    [(1, 1, True), (5, 1, True), (5, 2, False), (6, 2, True), (10, 2, True), (10, 3, False)],
)
async def test_repair_is_blocked_above_a_fifth_of_nodes(
    nodes: int, down: int, repaired: bool
) -> None:
    world = await ready(KINDS[0], nodes)
    for index in range(down):
        world.set_ready(f"ws{index}", "Unknown")
    await world.run(30 * MINUTE)
    kept = sum(world.claim(f"ws{index}") is not None for index in range(nodes))
    assert kept == (nodes - down if repaired else nodes)
    if not repaired:
        assert world.condition("Ready", "ws0") == ("False", "NodeUnhealthy")
        assert f"not repaired: {down} of {nodes} nodes" in world.message("Ready", "ws0")
        assert world.events() == ["NodeRepairBlocked"]
        world.set_ready(f"ws{down - 1}", "True")
        await world.run(2 * MINUTE)
        assert (world.claim("ws0") is None) is (down - 1 <= -(-nodes // 5))


async def test_repair_can_be_disabled() -> None:
    world = await ready(KINDS[0], 1, Timeouts(repair=False))
    world.set_ready("ws0", "Unknown")
    await world.run(120 * MINUTE)
    assert world.condition("Ready", "ws0") == ("False", "NodesNotReady")


@pytest.mark.parametrize(
    ("state", "running"),
    [(PoolState.UNKNOWN, True), (PoolState.UPDATING, True), (PoolState.SUCCEEDED, False)],
    ids=["being upgraded", "being changed", "stopped"],
)
async def test_changing_pool_is_left_to_the_cloud(state: PoolState, running: bool) -> None:
    world = await ready(KINDS[0], 1)
    world.cloud.seed(replace(world.cloud.pools()["ws0"], state=state, running=running))
    world.set_ready("ws0", "Unknown")
    await world.run(60 * MINUTE)
    assert world.claim("ws0") is not None
    assert ("delete", "ws0") not in world.cloud.calls


async def test_repair_toleration_can_be_set() -> None:
    world = await ready(KINDS[0], 1, Timeouts(repair_toleration=timedelta(minutes=2)))
    world.set_ready("ws0", "Unknown")
    await world.run(4 * MINUTE)
    assert world.claim("ws0") is None


async def test_claim_is_deleted_when_joined_node_never_becomes_ready() -> None:
    world = World(joins=False)
    world.ask()
    await world.run(8)
    world.join(NAME)
    world.set_ready(NAME, "False")
    await world.run(9 * MINUTE)
    assert world.condition("Initialized") == ("Unknown", "InitializationPending")
    await world.run(3 * MINUTE)
    assert world.claim() is None
