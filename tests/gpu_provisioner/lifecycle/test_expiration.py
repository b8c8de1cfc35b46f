"""Claims with an expireAfter."""

import pytest

from tests.gpu_provisioner.world import KINDS, NAME, World


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def test_expired_claim_is_deleted(world: World) -> None:
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
async def test_claim_without_expire_after_stays(world: World, never: str | None) -> None:
    world.ask(expireAfter=never)
    await world.run(1000, seconds=60)
    assert world.condition("Ready") == ("True", "Ready")


async def test_claims_do_not_expire_while_cluster_is_stopped(world: World) -> None:
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
async def test_invalid_duration_is_reported(world: World, field: str) -> None:
    world.ask(**{field: "soon"})
    await world.run(3)
    assert world.condition("Launched") == ("False", "InvalidRequirements")
    assert f"spec.{field}: 'soon' is not a duration" in world.message("Launched")
    assert ("create", NAME) not in world.cloud.calls
