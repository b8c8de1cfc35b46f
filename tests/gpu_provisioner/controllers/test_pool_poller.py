"""What the poller says about listings and collections that fail."""

import asyncio
import logging

import pytest

from kaito_kube.errors import Forbidden
from kaito_kube.fake import Call
from kaito_kube.kinds import NODE
from tests.gpu_provisioner.world import World

pytestmark = pytest.mark.looptime


async def poll(world: World, minutes: int) -> None:
    task = asyncio.create_task(world.refresh.run())
    for _ in range(minutes):
        await asyncio.sleep(60)
        world.clock.advance(60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_collection_that_is_refused_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Although the agent pools are listed all the time."""
    caplog.set_level(logging.INFO, "gpu_provisioner.controllers.pool_poller")
    world = World()

    def refuse(call: Call) -> None:
        if call.kind is NODE:
            raise Forbidden("nodes is forbidden")

    world.cluster.hook = refuse
    await poll(world, minutes=30)
    logger = "gpu_provisioner.controllers.pool_poller"
    assert [record.message for record in caplog.records if record.name == logger] == [
        "cannot collect garbage: nodes is forbidden; trying again"
    ]
