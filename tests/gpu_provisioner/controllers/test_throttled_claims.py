"""What a claim shows while the cloud is paced, and that it becomes Ready nevertheless."""

import pytest

from gpu_provisioner.cloud.errors import CloudUnavailable, PoolBusy
from gpu_provisioner.settings import Budget
from kaito_api import conditions
from kaito_api.reasons import Reason
from kaito_kube.kinds import EVENT
from tests.gpu_provisioner.world import World, claim_manifest

NAMES = [f"ws{number}" for number in range(5)]


def asked(budget: Budget) -> World:
    """Five claims at once, over a paced cloud."""
    world = World(budget=budget)
    for name in NAMES:
        world.cluster.seed(world.kind, claim_manifest(world.kind, name))
    return world


def shown(world: World, type_: str) -> list[tuple[str, str, str]]:
    found = []
    for name in NAMES:
        claim = world.claim(name)
        assert claim is not None
        condition = conditions.find(claim.get("status", {}).get("conditions", ()), type_)
        assert condition is not None
        found.append((condition["status"], condition["reason"], condition["message"]))
    return found


def creates(world: World) -> int:
    return sum(call == "create" for call, _ in world.cloud.calls)


async def test_claim_over_budget_shows_queued() -> None:
    world = asked(Budget(writes_per_minute=6))
    await world.run(2)
    assert [(status, reason) for status, reason, _ in shown(world, "MachineLaunched")] == [
        *2 * [("Unknown", "LaunchPending")],
        *3 * [("Unknown", "LaunchQueued")],
    ]
    await world.run(20)
    assert {ready for ready, _, _ in shown(world, "Ready")} == {"True"}
    assert creates(world) == 5
    assert world.cluster.objects(EVENT) == []


@pytest.mark.parametrize("seconds", [17.0, 90.0])
async def test_throttling_is_shown_and_ends(seconds: float) -> None:
    world = asked(Budget())
    world.cloud.fail_next(
        "create", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "Azure answered 429 X: later", seconds)
    )
    await world.run(2)
    for status, reason, message in shown(world, "MachineLaunched"):
        assert (status, reason) == ("False", "CloudUnavailable")
        assert message.startswith("Azure answered 429 X: ")
    assert creates(world) == 1
    await world.run(int(seconds / 5) + 15)
    assert {ready for ready, _, _ in shown(world, "Ready")} == {"True"}
    assert creates(world) == 1 + 5


async def test_claims_queue_one_at_a_time_while_cluster_is_busy() -> None:
    world = asked(Budget())
    for _ in range(10):
        busy = PoolBusy(
            Reason.CLOUD_UNAVAILABLE, "an upgrade is in progress", 5.0, cluster_wide=True
        )
        world.cloud.fail_next("create", busy)
    await world.run(2)
    assert {reason for _, reason, _ in shown(world, "MachineLaunched")} == {"LaunchQueued"}
    assert creates(world) == 1
    await world.run(40)
    assert {ready for ready, _, _ in shown(world, "Ready")} == {"True"}
    assert creates(world) == 10 + 5
    assert world.cluster.objects(EVENT) == []
