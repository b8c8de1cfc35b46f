"""From a claim to a machine over the fake cluster and cloud: pre-flight, fallback, recovery."""

from dataclasses import replace

import pytest

from gpu_provisioner.agent_pools.marks import CLAIM_NAME
from gpu_provisioner.cloud.availability import Availability, Quota
from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, LaunchRefused, Unauthorized
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.fake import Call
from kaito_kube.kinds import EVENT, Manifest
from tests.gpu_provisioner.offerings.builders import (
    A100,
    T4,
    T4_FAMILY,
    UNKNOWN,
    V100,
    ZONE,
    availability,
    disabled,
    sku,
)
from tests.gpu_provisioner.world import KINDS, NAME, World, claim_manifest

PLENTY = (0, 100_000)
NO_CAPACITY = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "no capacity in eastus")


def types(*names: str) -> Manifest:
    return {"key": labels.INSTANCE_TYPE, "operator": "In", "values": list(names)}


def t4_quota(used: int, limit: int) -> Availability:
    """The same availability with that quota of the T4's family."""
    quotas = {**OFFERED.quotas, T4_FAMILY: Quota(used=used, limit=limit)}
    return replace(OFFERED, quotas=quotas)


OFFERED = availability(sku(T4), sku(A100), sku(V100), t4=(0, 1000), cores=PLENTY)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def world(request: pytest.FixtureRequest) -> World:
    created = World(request.param)
    created.cloud.offered = OFFERED
    return created


def message(world: World) -> str:
    claim = world.claim()
    assert claim is not None
    return str(claim["status"]["conditions"][0]["message"])


def creates(world: World) -> int:
    return sum(call == "create" for call, _ in world.cloud.calls)


def pool_type(world: World) -> str:
    return world.cloud.pools()[NAME].instance_type


async def test_cheapest_compatible_type_is_created(world: World) -> None:
    world.ask(requirements=[types(A100, T4)])
    await world.run(12)
    assert pool_type(world) == T4
    assert world.condition("Ready") == ("True", "Ready")


async def test_missing_quota_is_shown_in_first_pass_without_a_create(
    world: World,
) -> None:
    world.cloud.offered = t4_quota(998, 1000)
    world.ask(requirements=[types(T4)])
    await world.run(1)
    await world.tick(seconds=0)
    assert world.condition("Launched") == ("False", "QuotaExceeded")
    assert f"{T4} in eastus needs 4 vCPUs" in message(world)
    assert "2 of 1000 are left" in message(world)
    assert creates(world) == 0
    (event,) = world.cluster.objects(EVENT)
    assert (event["reason"], event["note"]) == ("QuotaExceeded", message(world))


async def test_refusal_is_one_event_and_one_availability_read_a_minute(world: World) -> None:
    world.cloud.offered = t4_quota(0, 0)
    world.ask(requirements=[types(T4)])
    await world.run(120)
    assert len(world.cluster.objects(EVENT)) == 1
    assert world.cloud.calls.count(("availability", "")) <= 11
    assert creates(world) == 0


async def test_new_quota_is_used(world: World) -> None:
    world.cloud.offered = t4_quota(0, 0)
    world.ask(requirements=[types(T4)])
    await world.run(30)
    assert world.condition("Ready") == ("False", "QuotaExceeded")
    world.cloud.offered = OFFERED
    await world.run(25)
    assert world.condition("Ready") == ("True", "Ready")


async def test_next_type_is_created_when_quota_is_short(world: World) -> None:
    world.cloud.offered = t4_quota(0, 0)
    world.ask(requirements=[types(T4, A100)])
    await world.run(12)
    assert pool_type(world) == A100
    assert world.condition("Ready") == ("True", "Ready")
    assert creates(world) == 1


async def test_capacity_refusal_falls_back_in_the_same_pass(world: World) -> None:
    world.cloud.fail_next("create", NO_CAPACITY)
    world.ask(requirements=[types(T4, A100)])
    await world.run(2)
    assert pool_type(world) == A100
    assert world.cloud.calls.count(("create", NAME)) == 2
    assert [e["reason"] for e in world.cluster.objects(EVENT)] == ["InsufficientCapacity"]
    await world.run(10)
    assert world.condition("Ready") == ("True", "Ready")


async def test_late_failure_falls_back_to_the_next_type(world: World) -> None:
    world.cloud.fail_late[NAME] = NO_CAPACITY
    world.ask(requirements=[types(T4, A100)])
    await world.run(12)
    assert pool_type(world) == T4
    assert world.condition("Launched") == ("False", "InsufficientCapacity")
    world.cloud.fail_late.clear()
    await world.run(40)
    assert pool_type(world) == A100
    assert world.condition("Ready") == ("True", "Ready")


async def test_machine_that_joins_late_keeps_its_type(world: World) -> None:
    world.cloud.fail_late[NAME] = NO_CAPACITY
    world.ask(requirements=[types(T4, A100)])
    await world.run(12)
    world.join(NAME)
    await world.run(60)
    assert pool_type(world) == T4
    assert world.condition("Ready") == ("True", "Ready")


async def test_last_refusal_is_shown_and_retried_after_expiry(
    world: World,
) -> None:
    for _ in range(2):
        world.cloud.fail_next("create", NO_CAPACITY)
    world.ask(requirements=[types(T4, A100)])
    await world.run(2)
    assert world.condition("Launched") == ("False", "InsufficientCapacity")
    assert T4 in message(world) and A100 in message(world)
    await world.run(30)
    assert creates(world) == 2
    await world.run(20)
    assert pool_type(world) == T4
    assert world.condition("Ready") == ("True", "Ready")


async def test_other_claims_skip_refused_offering(world: World) -> None:
    world.cloud.fail_next("create", NO_CAPACITY)
    world.ask(requirements=[types(T4, A100)])
    await world.run(2)
    world.cluster.seed(
        world.kind, claim_manifest(world.kind, "ws2", requirements=[types(T4, A100)])
    )
    await world.run(2)
    assert world.cloud.pools()["ws2"].instance_type == A100
    assert creates(world) == 3


async def test_ten_claims_with_quota_for_three_create_three_pools(world: World) -> None:
    world.cloud.offered = t4_quota(0, 14)
    for number in range(10):
        manifest = claim_manifest(world.kind, f"ws{number}", requirements=[types(T4)])
        world.cluster.seed(world.kind, manifest)
    await world.run(20)
    created = world.cloud.pools()
    assert len(created) == creates(world) == 3
    waiting = [m for m in world.cluster.objects(world.kind) if m["metadata"]["name"] not in created]
    reasons = {m["status"]["conditions"][0]["reason"] for m in waiting}
    assert reasons == {"QuotaExceeded"}
    gone = next(iter(created))
    await world.cluster.delete(world.kind, gone)
    await world.run(40)
    after = world.cloud.pools()
    assert gone not in after and len(after) == 3 and creates(world) == 4


async def test_ten_claims_without_capacity_cause_no_call_storm(world: World) -> None:
    for _ in range(100):
        world.cloud.fail_next("create", NO_CAPACITY)
    for number in range(10):
        manifest = claim_manifest(world.kind, f"ws{number}", requirements=[types(T4)])
        world.cluster.seed(world.kind, manifest)
    await world.run(180)
    assert creates(world) <= 6


async def test_restricted_zone_is_reported(world: World) -> None:
    restricted = sku(T4, restricted_zones=frozenset({"1"}))
    world.cloud.offered = availability(restricted, cores=PLENTY)
    in_zone: Manifest = {"key": ZONE, "operator": "In", "values": ["eastus-1"]}
    world.ask(requirements=[types(T4), in_zone])
    await world.run(2)
    assert world.condition("Launched") == ("False", "SkuNotAvailable")
    text = message(world)
    assert "not available to this subscription in eastus-1: it is available in eastus-2" in text
    world.cloud.offered = OFFERED
    await world.run(30)
    assert world.cloud.pools()[NAME].zones == ("1",)


async def test_spot_pool_is_created_where_allowed(world: World) -> None:
    allowed = {
        "key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"],
    }  # fmt: skip
    world.ask(requirements=[types(T4), allowed])
    world.cloud.fail_next("create", NO_CAPACITY)
    await world.run(2)
    pool = world.cloud.pools()[NAME]
    assert (pool.instance_type, pool.spot) == (T4, False)
    assert creates(world) == 2


async def test_disabled_subscription_is_shown_and_recovers(world: World) -> None:
    world.cloud.offered = disabled(sku(T4))
    world.ask(requirements=[types(T4)])
    await world.run(2)
    assert world.condition("Launched") == ("False", "SubscriptionDisabled")
    assert creates(world) == 0
    world.cloud.offered = OFFERED
    await world.run(30)
    assert world.condition("Ready") == ("True", "Ready")


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized(Reason.CLOUD_UNAUTHORIZED, "403"),
        CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "500"),
    ],
    ids=lambda error: error.reason,
)
async def test_pool_is_created_without_availability(world: World, error: CloudError) -> None:
    world.cloud.offered = t4_quota(0, 0)
    world.cloud.fail_next("availability", error)
    world.ask(requirements=[types(T4, A100)])
    await world.run(2)
    assert pool_type(world) == A100
    assert [call for call, _ in world.cloud.calls if call != "list"][:3] == [
        "availability", "create", "create",
    ]  # fmt: skip


async def test_type_outside_catalog_is_created_by_name(world: World) -> None:
    world.ask(requirements=[types(UNKNOWN)])
    await world.run(12)
    assert pool_type(world) == UNKNOWN
    assert world.condition("Ready") == ("True", "Ready")


async def test_required_gpus_are_those_of_selected_type() -> None:
    world = World(gpus="1")
    world.ask(requirements=[types("Standard_NC64as_T4_v3", T4)])
    await world.run(12)
    assert pool_type(world) == T4
    assert world.condition("Ready") == ("True", "Ready")
    world = World(gpus="1")
    world.ask(requirements=[types("Standard_NC64as_T4_v3")])
    await world.run(12)
    assert world.condition("Initialized") == ("Unknown", "InitializationPending")


async def test_restart_continues_with_existing_pool(world: World) -> None:
    world.cloud.fail_next("create", NO_CAPACITY)
    world.ask(requirements=[types(T4, A100)])
    await world.run(2)
    world.start()
    await world.run(12)
    assert pool_type(world) == A100 and creates(world) == 2
    assert world.cloud.pools()[NAME].tags[CLAIM_NAME] == NAME


async def test_deleted_claim_is_not_retried(world: World) -> None:
    world.ask(requirements=[types(T4, A100)])
    await world.run(1)
    world.cloud.fail_next("create", NO_CAPACITY)

    def hook(call: Call) -> None:
        """The user deletes the claim while its first refusal is recorded."""
        claim = world.claim()
        if call.kind is EVENT and claim is not None:
            deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "9999"}
            claim["metadata"] |= deleted
            world.store.replace_all(world.kind, [claim])

    world.cluster.hook = hook
    await world.run(1)
    assert creates(world) == 1 and world.cloud.pools() == {}


async def test_invalid_claim_never_reaches_the_cloud(world: World) -> None:
    world.ask(requirements=[types(T4), {"key": "example.com/a", "operator": "In", "values": ["b"]}])
    await world.run(30)
    assert world.condition("Launched") == ("False", "InvalidRequirements")
    assert creates(world) == 0
