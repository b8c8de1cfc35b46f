"""An operation that is reported failed and whose machine joins all the same (Azure
Karpenter#1907)."""

import pytest

from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.cloud.pools import PoolState
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE
from tests.gpu_provisioner.world import KINDS, NAME, World


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    world.cloud.fail_late[NAME] = LaunchRefused(Reason.LAUNCH_FAILED, "internal error")
    world.ask()
    await world.run(9)
    assert world.condition("Launched") == ("False", "LaunchFailed")
    return world


async def test_machine_that_joins_after_90_seconds_is_kept(world: World) -> None:
    await world.run(18)
    world.join(NAME)
    await world.run(500)
    assert world.condition("Ready") == ("True", "Ready")
    assert ("delete", NAME) not in world.cloud.calls


async def test_machine_that_would_join_after_10_minutes_is_replaced(world: World) -> None:
    """Deleting the pool deletes the machine too, because AKS owns the machines of failed pools."""
    await world.run(26)
    assert world.cloud.pools()[NAME].state is PoolState.DELETING
    world.cloud.fail_late.clear()
    await world.run(90)
    assert world.condition("Ready") == ("True", "Ready")
    assert len(world.cluster.objects(NODE)) == 1
    assert [call for call in world.cloud.calls if call[0] in ("create", "delete")] == [
        ("create", NAME),
        ("delete", NAME),
        ("create", NAME),
    ]


async def test_machine_that_joins_at_the_last_moment_is_kept(world: World) -> None:
    """It joins after the decision and before the deletion, when the cached Nodes are old."""
    await world.run(23)
    before = world.store.all(NODE)
    world.join(NAME)
    world.store.replace_all(NODE, before)
    while world.cloud.calls[-1] != ("get", NAME):
        world.clock.advance(5)
        await world.reconciler.reconcile(world.kind, world.store.keys(world.kind)[0])
    assert ("delete", NAME) not in world.cloud.calls
    await world.run(5)
    assert world.condition("Ready") == ("True", "Ready")


async def test_failed_pool_is_not_replaced_right_after_restart(
    world: World,
) -> None:
    world.start()
    await world.run(55)
    assert ("delete", NAME) not in world.cloud.calls
    await world.run(10)
    assert ("delete", NAME) in world.cloud.calls
