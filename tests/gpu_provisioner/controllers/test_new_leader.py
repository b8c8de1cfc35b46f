"""A replica that starts while the API server does not list everything."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from gpu_provisioner.controllers.manager import Manager
from kaito_api import labels
from kaito_kube.errors import Unavailable
from kaito_kube.fake import Call
from kaito_kube.kinds import LEASE, NODE
from kaito_kube.leader_election import LeaseConfig
from tests.gpu_provisioner.world import NAME, World
from tests.simulation.provisioner import SETTINGS

pytestmark = pytest.mark.looptime


async def test_replica_leads_when_nodes_are_listed_and_drains_before_it_deletes_a_pool() -> None:
    world = World()
    world.ask()
    await world.run(12)
    world.pod("model", annotations={labels.DO_NOT_DISRUPT: "true"})
    await world.cluster.delete(world.kind, NAME)
    down = True

    def refuse(call: Call) -> None:
        if down and call.verb == "list" and call.kind is NODE:
            raise Unavailable("no response")

    world.cluster.hook = refuse
    manager = Manager(world.cluster, world.cloud, world.clock, SETTINGS, CollectorRegistry())
    lease = LeaseConfig(name="lease", namespace="kaito", identity="a")
    running = asyncio.create_task(manager.run(lease))
    await asyncio.sleep(120)
    assert world.cluster.objects(LEASE) == [] and ("delete", NAME) not in world.cloud.calls
    down = False
    await asyncio.sleep(120)
    assert len(world.cluster.objects(LEASE)) == 1
    assert world.condition("Drained") == ("False", "DrainBlocked")
    assert ("delete", NAME) not in world.cloud.calls
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
