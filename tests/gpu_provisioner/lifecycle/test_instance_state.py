"""A node that joined and disappears while its agent pool stays Succeeded."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gpu_provisioner.settings import Timeouts
from kaito_kube.kinds import EVENT, NODE
from tests.gpu_provisioner.world import KINDS, NAME, World

SPOT = {"kubernetes.azure.com/scalesetpriority": "spot"}


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    """A world with one claim whose node is Ready."""
    world = World(request.param, timeouts=Timeouts(node_gone_timeout=timedelta(minutes=5)))
    world.ask()
    await world.run(12)
    assert world.condition("Ready") == ("True", "Ready")
    return world


async def make_spot(world: World) -> None:
    await world.cluster.patch(NODE, f"aks-{NAME}-0", {"metadata": {"labels": SPOT}})
    await world.run(1)


@pytest.mark.parametrize("after_restart", [False, True], ids=["", "restarted"])
async def test_missing_node_is_reported_and_claim_is_deleted(
    world: World, after_restart: bool
) -> None:
    world.evict()
    await world.run(1)
    assert world.condition("Registered") == ("False", "NodeGone")
    assert world.condition("Ready") == ("False", "NodeGone")
    if after_restart:
        world.start()
    await world.run(58)
    assert world.claim() is not None
    await world.run(20)
    assert world.claim() is None and world.cloud.pools() == {}
    events = world.cluster.objects(EVENT)
    assert [event["reason"] for event in events] == ["NodeGone"]
    assert f"node aks-{NAME}-0 is gone and agent pool {NAME} still exists" in events[0]["note"]


async def test_age_of_the_trouble_counts_from_its_begin_and_not_from_the_join(world: World) -> None:
    await world.run(60 * 60 // 5)
    world.evict()
    await world.run(58)
    assert world.claim() is not None
    await world.run(20)
    assert world.claim() is None


async def test_evicted_spot_claim_is_deleted_within_a_minute(world: World) -> None:
    await make_spot(world)
    world.evict()
    await world.run(1)
    assert world.condition("Ready") == ("False", "SpotEvicted")
    await world.run(24)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_evicted_machine_of_a_spot_pool_is_known_before_its_claim_has_the_label(
    world: World,
) -> None:
    world.cloud.seed(replace(world.cloud.pools()[NAME], spot=True))
    world.evict()
    await world.run(1)
    assert world.condition("Ready") == ("False", "SpotEvicted")
    await world.run(24)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_spot_node_that_was_only_deleted_may_return(world: World) -> None:
    await make_spot(world)
    world.evict()
    await world.run(10)
    world.joins = True
    await world.run(3)
    assert world.condition("Ready") == ("True", "Ready")
    assert ("delete", NAME) not in world.cloud.calls


async def test_node_that_returns_in_time_is_kept(world: World) -> None:
    world.evict()
    await world.run(30)
    world.joins = True
    await world.run(3)
    assert world.condition("Ready") == ("True", "Ready")
    world.evict()
    await world.run(58)
    assert world.claim() is not None, "the time starts again"
    assert ("delete", NAME) not in world.cloud.calls


async def test_node_that_never_joined_is_left_to_registration() -> None:
    world = World(joins=False)
    world.ask()
    await world.run(12)
    assert world.condition("Registered") == ("Unknown", "RegistrationPending")
