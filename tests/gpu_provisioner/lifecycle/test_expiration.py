"""Claims that are to be replaced after a time."""

import pytest

from tests.gpu_provisioner.world import KINDS, NAME, World


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def test_a_claim_goes_when_it_has_expired(world: World) -> None:
    world.ask(expireAfter="1h30m")
    await world.run(89, seconds=60)
    assert world.condition("Ready") == ("True", "Ready")
    await world.run(6, seconds=60)
    assert world.claim() is None and world.cloud.pools() == {}
    assert world.events() == ["Expired"]
    assert (
        world.count(
            "karpenter_nodeclaims_disrupted_total",
            reason="expired",
            nodepool="",
            capacity_type="on-demand",
        )
        == 1
    )


@pytest.mark.parametrize("never", [None, "Never", ""])
async def test_without_a_time_it_stays(world: World, never: str | None) -> None:
    world.ask(expireAfter=never)
    await world.run(1000, seconds=60)
    assert world.condition("Ready") == ("True", "Ready")


async def test_nothing_expires_while_the_cluster_sleeps(world: World) -> None:
    world.ask(expireAfter="10m")
    await world.run(12)
    world.stop()
    await world.run(500)
    assert world.claim() is not None
    world.start_cluster()
    await world.run(30)
    assert world.claim() is not None, "it has only just woken"
    await world.run(60)
    assert world.claim() is None


@pytest.mark.parametrize("field", ["expireAfter", "terminationGracePeriod"])
async def test_what_is_no_duration_is_said(world: World, field: str) -> None:
    world.ask(**{field: "soon"})
    await world.run(3)
    assert world.condition("Launched") == ("False", "InvalidRequirements")
    assert f"spec.{field}: 'soon' is not a duration" in world.message("Launched")
    assert ("create", NAME) not in world.cloud.calls
