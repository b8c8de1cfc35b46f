"""Claims, pools and Nodes of KAITO's own gpu-provisioner, as this one finds them after the
upgrade."""

from dataclasses import replace

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.cloud.pools import PoolState
from kaito_api import labels
from kaito_kube.kinds import EVENT, NODE, NODE_CLAIM, POD, Key
from tests.gpu_provisioner import upstream
from tests.gpu_provisioner.upstream import NAME, NODE_NAME
from tests.gpu_provisioner.world import World

READY = ("True", "Ready")


@pytest.fixture
def world() -> World:
    world = World(NODE_CLAIM, joins=False, leaves_nodes=True)
    claim = world.cluster.seed(NODE_CLAIM, upstream.node_claim())
    world.cloud.seed(upstream.agent_pool())
    world.cluster.seed(NODE, upstream.node(claim["metadata"]["uid"]))
    return world


def uid(world: World) -> str:
    claim = world.claim(NAME)
    assert claim is not None
    return str(claim["metadata"]["uid"])


async def test_ready_node_stays_ready_for_a_day_and_nothing_is_created_or_deleted(
    world: World,
) -> None:
    node = world.cluster.peek(NODE, NODE_NAME)
    assert node is not None
    for _ in range(24 * 60):
        await world.tick(60)
        assert world.condition("Ready", NAME) == READY
    calls = {call for call, _ in world.cloud.calls}
    assert "create" not in calls and "delete" not in calls
    found = world.cluster.peek(NODE, NODE_NAME)
    assert found is not None and found["spec"] == node["spec"]
    assert not [call for call in world.cluster.calls if call.verb in ("evict", "delete")]


async def test_pool_gets_the_marks_that_it_lacks_once(world: World) -> None:
    await world.run(20)
    pool = world.cloud.pools()[NAME]
    assert pool.tags == {
        marks.MANAGED_BY: "gpu-provisioner",
        marks.CLUSTER_TAG: "aks",
        marks.CLAIM_NAME: NAME,
        marks.CLAIM_UID: uid(world),
        marks.WORKSPACE_TAG: "default/workspace-phi-4",
    }
    assert pool.labels == {**upstream.agent_pool().labels, labels.CLAIM_UID: uid(world)}
    assert world.cloud.calls.count(("add_marks", NAME)) == 1
    (event,) = world.cluster.objects(EVENT)
    assert event["reason"] == "PoolAdopted" and event["type"] == "Normal"
    assert f"agent pool {NAME} is this claim's and has no mark of gpu-provis" in event["note"]


async def test_node_loses_the_finalizer_that_nobody_would_remove(world: World) -> None:
    await world.run(3)
    node = world.cluster.peek(NODE, NODE_NAME)
    assert node is not None
    assert not node["metadata"].get("finalizers")
    assert node["metadata"]["labels"][labels.CLAIM_UID] == uid(world)


@pytest.mark.parametrize("ticks", [0, 1, 5])
async def test_deleting_the_claim_drains_and_deletes_pool_and_node(
    world: World, ticks: int
) -> None:
    """Also where the claim is deleted before its pool was adopted."""
    await world.run(ticks)
    world.cluster.seed(
        POD,
        {
            "metadata": {"name": "model", "namespace": "default"},
            "spec": {"nodeName": NODE_NAME},
            "status": {"phase": "Running"},
        },
    )
    await world.cluster.delete(NODE_CLAIM, NAME)
    await world.run(30)
    assert world.claim(NAME) is None and world.cloud.pools() == {}
    assert world.cluster.objects(NODE) == [] and world.cluster.objects(POD) == []
    verbs = [call.verb for call in world.cluster.calls if call.kind is POD]
    assert "evict" in verbs


async def test_claim_that_was_being_deleted_is_finished(world: World) -> None:
    world.cloud.seed(replace(upstream.agent_pool(), state=PoolState.DELETING))
    await world.cluster.delete(NODE_CLAIM, NAME)
    await world.run(5)
    assert world.claim(NAME) is not None
    world.cloud._pools.clear()
    await world.run(10)
    assert world.claim(NAME) is None and world.cluster.objects(NODE) == []


async def test_pool_of_an_earlier_claim_is_not_adopted(world: World) -> None:
    born = {labels.CREATION_TIMESTAMP: "2025-06-01T00-00-00Z"}
    pool = upstream.agent_pool()
    world.cloud.seed(replace(pool, labels={**pool.labels, **born}))
    world.cluster.change(NODE_CLAIM, Key("", NAME), {"status": {"conditions": []}})
    await world.run(5)
    assert world.condition("Launched", NAME) == ("False", "LaunchFailed")
    assert "of an earlier claim of KAITO's own" in world.message("Launched", NAME)
    assert ("add_marks", NAME) not in world.cloud.calls


async def test_pool_without_a_claim_is_left_alone(world: World) -> None:
    world.cluster.change(NODE_CLAIM, Key("", NAME), {"metadata": {"finalizers": None}})
    await world.cluster.delete(NODE_CLAIM, NAME)
    await world.run(300)
    assert world.cloud.pools() == {NAME: upstream.agent_pool()}


async def test_claim_whose_pool_does_not_exist_yet_gets_one() -> None:
    world = World(NODE_CLAIM)
    claim = upstream.node_claim()
    del claim["status"]
    world.cluster.seed(NODE_CLAIM, claim)
    await world.run(12)
    assert world.cloud.pools()[NAME].instance_type == "Standard_NC24ads_A100_v4"
    assert world.condition("Ready", NAME) == READY
