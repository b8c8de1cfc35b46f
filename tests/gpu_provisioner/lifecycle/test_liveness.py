"""A pool whose creation never finishes."""

from datetime import timedelta

import pytest

from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.settings import Timeouts
from kaito_api.reasons import Reason
from tests.gpu_provisioner.world import KINDS, NAME, World


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param, timeouts=Timeouts(launch_timeout=timedelta(minutes=20)))
    world.cloud.operation = timedelta(minutes=60)
    world.ask()
    await world.run(230)
    assert world.condition("Launched") == ("Unknown", "LaunchPending")
    await world.run(20)
    return world


async def test_launch_timeout_is_reported_and_left_to_the_cloud(world: World) -> None:
    assert world.condition("Launched") == ("Unknown", "LaunchTimeout")
    assert world.condition("Ready") == ("False", "LaunchTimeout")
    assert "for more than 20 min" in world.message("Ready")
    assert ("delete", NAME) not in world.cloud.calls
    await world.run(500)
    assert world.condition("Ready") == ("True", "Ready"), "it was slow, and not dead"
    assert world.events() == ["LaunchTimeout"]


async def test_pool_that_fails_after_timeout_is_replaced(world: World) -> None:
    world.cloud.fail_late[NAME] = LaunchRefused(Reason.LAUNCH_FAILED, "gave up")
    await world.run(480)
    assert world.condition("Launched") == ("False", "LaunchFailed")
    await world.run(15)
    assert ("delete", NAME) not in world.cloud.calls, "its machine may still join"
    await world.run(15)
    assert ("delete", NAME) in world.cloud.calls


async def test_launch_timeout_costs_no_calls(world: World) -> None:
    before = [call for call, _ in world.cloud.calls].count("cluster")
    await world.run(240)
    assert [call for call, _ in world.cloud.calls].count("cluster") - before <= 11
