"""A launch that AKS accepts and that fails for a reason that somebody has to mend first."""

from datetime import timedelta

import pytest

from gpu_provisioner.cloud.errors import LaunchRefused
from kaito_api.reasons import Reason
from tests.gpu_provisioner.world import KINDS, NAME, World

HOUR = 3600 // 5


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    world.cloud.operation = timedelta(seconds=5)
    return world


def creates(world: World) -> int:
    return [call for call, _ in world.cloud.calls].count("create")


async def test_launches_that_fail_late_come_at_growing_pauses(world: World) -> None:
    world.ask()
    for _ in range(HOUR):
        world.cloud.fail_late[NAME] = LaunchRefused(Reason.SUBNET_FULL, "SubnetIsFull: subnet gpu")
        await world.run(1)
    assert world.condition("Launched") == ("False", "SubnetFull")
    assert "subnet gpu" in world.message("Launched")
    assert 4 <= creates(world) <= 9
    world.cloud.fail_late.clear()
    await world.run(20 * 60 // 5)
    assert world.condition("Ready") == ("True", "Ready")


async def test_policy_is_asked_at_growing_pauses_and_claim_recovers(world: World) -> None:
    world.ask()
    denied = LaunchRefused(Reason.POLICY_DENIED, "RequestDisallowedByPolicy: Deny-GPU-quota")
    for _ in range(6):
        world.cloud.fail_next("create", denied)
    await world.run(HOUR // 2)
    assert world.condition("Launched") == ("False", "PolicyDenied")
    assert "Deny-GPU-quota" in world.message("Launched")
    assert creates(world) == 5
    await world.run(HOUR)
    assert world.condition("Ready") == ("True", "Ready")
