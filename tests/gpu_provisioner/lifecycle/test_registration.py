"""What a Node gets when its machine joins, and what it does not get again."""

from datetime import timedelta
from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import NODE, Key, Manifest
from tests.gpu_provisioner.world import KINDS, NAME, World

NODE_KEY = Key("", f"aks-{NAME}-0")
STARTUP = {"key": "example.com/agent", "effect": "NoExecute"}
OWN = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param, joins=False)


async def joined(world: World, taints: list[Manifest], **claim: Any) -> Manifest:
    """Return the node after it joined with those taints."""
    world.ask(**claim)
    await world.run(8)
    world.join(NAME)
    world.cluster.change(NODE, NODE_KEY, {"spec": {"taints": taints}})
    await world.run(1)
    return node(world)


def node(world: World) -> Manifest:
    found = world.cluster.peek(NODE, NODE_KEY.name)
    assert found is not None
    return found


async def test_node_gets_labels_of_claim(world: World) -> None:
    has = (await joined(world, [OWN]))["metadata"]["labels"]
    claim = world.claim()
    assert claim is not None
    assert has[labels.CLAIM_UID] == claim["metadata"]["uid"]
    assert has[labels.REGISTERED] == "true" and has["app"] == "x"
    assert claim["status"]["providerID"] == f"azure:///{NAME}"


@pytest.mark.parametrize(
    "mark",
    [
        {"key": labels.UNREGISTERED, "effect": "NoExecute"},
        {"key": labels.DISRUPTED, "effect": "NoSchedule"},
    ],
    ids=["unregistered", "left over from an earlier drain"],
)
async def test_karpenter_taints_are_removed(world: World, mark: Manifest) -> None:
    assert (await joined(world, [OWN, mark]))["spec"]["taints"] == [OWN]


async def test_taints_of_claim_are_added_once(world: World) -> None:
    assert (await joined(world, []))["spec"]["taints"] == [OWN]
    world.cluster.change(NODE, NODE_KEY, {"spec": {"taints": []}})
    await world.run(5)
    assert node(world)["spec"]["taints"] == []


async def test_startup_taint_is_waited_for_and_not_restored(world: World) -> None:
    await joined(world, [OWN, STARTUP], startupTaints=[STARTUP])
    assert world.condition("Registered") == ("True", "Registered")
    assert world.condition("Initialized") == ("Unknown", "InitializationPending")
    assert "startup taints example.com/agent" in world.message("Initialized")
    world.cluster.change(NODE, NODE_KEY, {"spec": {"taints": [OWN]}})
    await world.run(1)
    assert world.condition("Ready") == ("True", "Ready")
    await world.run(5)
    assert node(world)["spec"]["taints"] == [OWN]


async def test_requested_resources_are_waited_for(world: World) -> None:
    await joined(world, [OWN], resources={"requests": {"cpu": "4", "storage": "50Gi"}})
    assert world.condition("Initialized") == ("Unknown", "InitializationPending")
    assert "does not advertise cpu" in world.message("Initialized")
    world.cluster.change(NODE, NODE_KEY, {"status": {"allocatable": {"cpu": "6"}}})
    await world.run(1)
    assert world.condition("Ready") == ("True", "Ready")


async def test_initialized_claim_stays_initialized_when_not_ready(world: World) -> None:
    await joined(world, [OWN])
    assert world.condition("Ready") == ("True", "Ready")
    world.cluster.change(NODE, NODE_KEY, {"status": {"allocatable": {"nvidia.com/gpu": "0"}}})
    await world.run(1)
    assert world.condition("Initialized") == ("True", "Initialized")
    assert world.condition("Ready") == ("False", "NodesNotReady")
    assert "advertises 0 of 1 nvidia.com/gpu" in world.message("Ready")


async def test_time_to_join_counts_from_the_launch_and_not_from_the_creation_of_the_claim() -> None:
    world = World(joins=False)
    world.cloud.operation = timedelta(minutes=20)
    world.ask()
    await world.run(24, 60)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")
    await world.run(12, 60)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")
    await world.run(5, 60)
    assert "RegistrationTimeout" in world.events()


async def test_time_to_initialize_counts_from_the_join_and_not_from_the_creation() -> None:
    world = World(joins=False, gpus="0")
    world.ask()
    await world.run(12)
    await world.run(13, 60)
    world.join(NAME)
    await world.run(28, 60)
    assert world.condition("Initialized") == ("Unknown", "InitializationPending")
    await world.run(5, 60)
    assert world.condition("Initialized") == ("False", "InitializationTimeout")


async def test_machine_that_joins_for_an_earlier_claim_is_not_taken_over(world: World) -> None:
    """It is deleted with the earlier claim's pool, and this claim's machine is yet to join."""
    world.ask()
    await world.run(8)
    world.join(NAME)
    world.cluster.change(NODE, NODE_KEY, {"metadata": {"labels": {labels.CLAIM_UID: "earlier"}}})
    await world.run(5)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")
    assert world.message("Registered") == (
        f"waiting for the machine of agent pool {NAME} to join the cluster"
    )
    assert node(world)["metadata"]["labels"][labels.CLAIM_UID] == "earlier"
