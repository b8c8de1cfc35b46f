"""A pool that somebody created under the claim's name since the last listing."""

from dataclasses import replace

import pytest

from gpu_provisioner.cloud.pools import Pool, PoolState
from kaito_api import labels
from tests.gpu_provisioner.offerings.builders import T4, availability, sku
from tests.gpu_provisioner.world import KINDS, NAME, World, claim_manifest

THEIRS = Pool(
    name=NAME,
    state=PoolState.SUCCEEDED,
    instance_type="Standard_D4s_v5",
    tags={"owner": "somebody"},
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    """The listing lacks the pool, which exists."""
    world = World(request.param)
    world.cloud.seed(THEIRS)
    world.cloud.unlisted.add(NAME)
    world.ask()
    await world.run(3)
    assert ("create", NAME) in world.cloud.calls
    return world


async def test_pool_of_somebody_else_is_named_and_not_changed(world: World) -> None:
    assert world.condition("Launched") == ("False", "LaunchFailed")
    assert (
        f"agent pool {NAME} that gpu-provisioner did not create: delete it or use another name"
        in world.message("Launched")
    )
    assert world.cloud.pools()[NAME] == THEIRS


async def test_node_that_the_pool_of_somebody_else_leaves_behind_is_not_taken_over() -> None:
    """Its machine was Ready again after the claim was created, and the Node goes a while after the
    pool."""
    world = World(leaves_nodes=True)
    world.cloud.seed(THEIRS)
    world.join(NAME)
    world.clock.advance(60)
    world.ask()
    await world.run(3)
    world.set_ready(NAME, "Unknown")
    await world.run(1)
    world.set_ready(NAME, "True")
    world.cloud.forget(NAME)
    await world.run(6)
    assert world.condition("Launched") == ("Unknown", "LaunchPending")
    assert f"its node aks-{NAME}-0 is still Ready" in world.message("Launched")
    assert world.cloud.pools() == {}
    world.evict()
    await world.run(20)
    world.joins = True
    await world.run(20)
    assert world.condition("Ready") == ("True", "Ready")


@pytest.mark.parametrize("joined", [False, True], ids=["machine never joined", "machine joined"])
async def test_pool_that_takes_the_name_of_a_deleted_one_gets_nothing_from_its_late_machine(
    joined: bool,
) -> None:
    """The claim's pool is deleted by hand. Its machine joins, or is still a Node, when somebody
    else's pool has the name already."""
    world = World()
    world.joins = joined
    world.ask()
    await world.run(12)
    own = world.cloud.pools()[NAME]
    world.cloud.forget(NAME)
    if joined:
        world.leaves_nodes = True
        await world.run(2)
        assert world.condition("Launched") == ("Unknown", "PoolMissing")
    world.cloud.seed(THEIRS)
    await world.run(2)
    world.join(NAME, own)
    await world.run(30)
    assert world.condition("Launched") == ("False", "PoolMarksLost")
    assert world.cloud.pools()[NAME] == THEIRS
    await world.cluster.delete(world.kind, NAME)
    await world.run(30)
    assert world.cloud.pools()[NAME] == THEIRS


@pytest.mark.parametrize(
    "tags",
    [
        {"kaito-claim-uid": "theirs"},
        {"kaito-claim-uid": "theirs", "kaito-managed-by": "someone-else"},
        {
            "kaito-claim-uid": "theirs",
            "kaito-managed-by": "gpu-provisioner",
            "kaito-cluster": "another",
        },
    ],
    ids=["a uid alone", "of another manager", "of another cluster"],
)
async def test_pool_that_nobody_collects_is_not_waited_for(tags: dict[str, str]) -> None:
    world = World()
    world.cloud.seed(replace(THEIRS, tags=tags))
    world.ask()
    await world.run(3)
    assert world.condition("Launched") == ("False", "LaunchFailed")
    assert "delete it or use another name" in world.message("Launched")


@pytest.mark.parametrize(
    ("verified", "shown"),
    [(True, ("Unknown", "LaunchPending")), (False, ("False", "LaunchFailed"))],
    ids=["verified", "not verified"],
)
async def test_pool_with_labels_alone_is_waited_for_where_the_cluster_is_verified(
    verified: bool, shown: tuple[str, str]
) -> None:
    """Only then is it collected."""
    world = World()
    world.reconciler.verifies_cluster = verified
    world.cloud.seed(replace(THEIRS, tags={}, labels={labels.CLAIM_UID: "theirs"}))
    world.ask()
    await world.run(3)
    assert world.condition("Launched") == shown


async def test_claim_whose_name_is_taken_holds_no_quota() -> None:
    world = World()
    world.cloud.offered = availability(sku(T4), t4=(0, 4), cores=(0, 100_000))
    world.cloud.seed(THEIRS)
    world.cloud.unlisted.add(NAME)
    wanted = {"key": labels.INSTANCE_TYPE, "operator": "In", "values": [T4]}
    world.ask(requirements=[wanted])
    await world.run(3)
    world.cloud.unlisted.clear()
    world.cluster.seed(world.kind, claim_manifest(world.kind, "wsother", requirements=[wanted]))
    await world.run(15)
    assert world.condition("Launched") == ("False", "LaunchFailed")
    assert world.condition("Ready", "wsother") == ("True", "Ready")


async def test_pool_of_somebody_else_outlives_the_claim(world: World) -> None:
    await world.cluster.delete(world.kind, NAME)
    await world.run(10)
    assert world.claim() is None
    assert world.cloud.pools() == {NAME: THEIRS}
