"""KAITO#2075: `az aks stop` and `start`. A node that comes back was not lost."""

from datetime import timedelta

import pytest

from gpu_provisioner.settings import Timeouts
from kaito_api import labels
from kaito_kube.kinds import NODE, key_of
from tests.gpu_provisioner.world import KINDS, NAME, World, claim_manifest

HOUR = 720
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    for name in ("ws1", "ws2", "ws3", NAME):
        world.cluster.seed(world.kind, claim_manifest(world.kind, name))
    await world.run(12)
    return world


async def all_ready(world: World) -> None:
    for name in ("ws1", "ws2", "ws3", NAME):
        assert world.condition("Ready", name) == ("True", "Ready")
    assert not any(call == "delete" for call, _ in world.cloud.calls)
    assert [call for call, _ in world.cloud.calls].count("create") == 4


@pytest.mark.parametrize("restarts", [False, True], ids=["", "and our process starts with it"])
async def test_stopped_hour_deletes_nothing(world: World, restarts: bool) -> None:
    world.stop()
    await world.run(HOUR)
    if restarts:
        world.start()
    world.start_cluster()
    await world.run(200)
    await all_ready(world)


@pytest.mark.parametrize("restarts", [False, True], ids=["", "and our process starts with it"])
async def test_nodes_that_return_late_are_kept(world: World, restarts: bool) -> None:
    """The cluster reports that it runs, and its machines need another eight minutes."""
    world.stop()
    await world.run(HOUR)
    if restarts:
        world.start()
    world.cloud.state = World().cloud.state
    await world.run(96)
    assert world.condition("Ready") == ("False", "NodesNotReady")
    world.start_cluster()
    await world.run(5)
    await all_ready(world)


async def test_nodes_that_return_under_new_names_belong_to_the_claim(world: World) -> None:
    """AKS removes the Nodes and creates others."""
    world.stop()
    nodes = world.cluster.objects(NODE)
    for node in nodes:
        world.cluster.change(NODE, key_of(node), None)
    await world.run(HOUR)
    assert world.condition("Registered") == ("False", "NodeGone")
    assert "the AKS cluster is stopped" in world.message("Registered")
    world.cloud.state = World().cloud.state
    await world.run(30)
    for node in nodes:
        metadata = {"name": node["metadata"]["name"] + "x", "labels": node["metadata"]["labels"]}
        world.cluster.seed(NODE, {**node, "metadata": metadata})
        world.cluster.change(NODE, key_of({"metadata": metadata}), {"status": READY})
    await world.run(5)
    await all_ready(world)
    claim = world.claim()
    assert claim is not None and claim["status"]["nodeName"].endswith("x")


async def test_user_can_delete_claim_while_cluster_is_stopped(world: World) -> None:
    world.stop()
    await world.run(10)
    await world.cluster.delete(world.kind, NAME)
    await world.run(30)
    assert world.claim() is None and NAME not in world.cloud.pools()
    assert world.claim("ws1") is not None


async def test_restart_of_cluster_extends_registration_timeout(world: World) -> None:
    quick = World(
        world.kind, timeouts=Timeouts(registration_timeout=timedelta(minutes=6)), joins=False
    )
    quick.ask()
    await quick.run(20)
    quick.stop()
    await quick.run(HOUR)
    quick.cloud.state = World().cloud.state
    await quick.run(65)
    assert quick.condition("Registered") == ("Unknown", "RegistrationPending")
    quick.start_cluster()
    await quick.run(3)
    assert quick.condition("Ready") == ("True", "Ready")
    node = quick.cluster.objects(NODE)[0]
    assert node["metadata"]["labels"][labels.REGISTERED] == "true"
