"""From a claim's deletion to its end, and what its conditions show on the way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gpu_provisioner.cloud.errors import (
    CloudError,
    CloudUnavailable,
    LaunchRefused,
    PoolBusy,
    Unauthorized,
)
from gpu_provisioner.cloud.pools import PoolState
from gpu_provisioner.settings import Timeouts
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.errors import Throttled
from kaito_kube.kinds import NODE, POD
from tests.gpu_provisioner.world import KINDS, NAME, World

BUDGET = "The disruption budget phi needs 1 healthy pods and has 1 currently"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


async def ready(world: World, **spec: object) -> None:
    world.ask(**spec)
    await world.run(12)
    assert world.condition("Ready") == ("True", "Ready")


async def delete(world: World) -> None:
    await world.cluster.delete(world.kind, NAME)


def refuse(world: World, times: int) -> None:
    for _ in range(times):
        world.cluster.fail_next("evict", Throttled(BUDGET))


def pool_goes(world: World) -> bool:
    return ("delete", NAME) in world.cloud.calls


async def test_node_is_tainted_before_first_eviction(world: World) -> None:
    await ready(world)
    world.pod("a")
    await delete(world)
    await world.run(1)
    node = world.cluster.peek(NODE, f"aks-{NAME}-0")
    assert node is not None
    assert {"key": labels.DISRUPTED, "effect": "NoSchedule"} in node["spec"]["taints"]
    assert node["metadata"]["labels"][labels.EXCLUDE_BALANCERS] == "karpenter"
    verbs = [c.verb for c in world.cluster.calls if c.kind in (NODE, POD) and c.verb != "list"]
    assert verbs[-2:] == ["patch", "evict"]


async def test_disruption_budget_blocks_drain_and_is_named(world: World) -> None:
    await ready(world)
    world.pod("a")
    refuse(world, 5)
    await delete(world)
    await world.run(3)
    assert world.condition("Drained") == ("False", "DrainBlocked")
    assert f"pod default/a: {BUDGET}" in world.message("Drained")
    assert world.events() == ["FailedDraining"] and not pool_goes(world)
    await world.run(4)
    assert world.cluster.objects(POD) == [] and pool_goes(world)
    assert world.condition("Drained") == ("True", "Drained")
    assert world.condition("InstanceTerminating") == ("True", "InstanceTerminating")
    await world.run(10)
    assert world.claim() is None
    assert world.count("karpenter_nodes_eviction_requests_total", code="429") == 5
    assert world.count("karpenter_nodes_drained_total", nodepool="") == 1


async def test_do_not_disrupt_pod_is_waited_for(world: World) -> None:
    await ready(world, terminationGracePeriod="20m")
    world.pod("a", annotations={labels.DO_NOT_DISRUPT: "true"})
    await delete(world)
    await world.run(180)
    assert world.condition("Drained") == ("False", "DrainBlocked") and not pool_goes(world)
    world.cluster.change(POD, world.pod_key("a"), None)
    await world.run(10)
    assert world.claim() is None


async def test_termination_grace_period_ends_on_time(world: World) -> None:
    """The pod has a grace period of 30 s, so it is deleted 30 s before."""
    await ready(world, terminationGracePeriod="10m")
    world.pod("a", annotations={labels.DO_NOT_DISRUPT: "true"})
    await delete(world)
    await world.run(113)
    assert world.cluster.peek(POD, "a", "default") is not None
    await world.run(2)
    assert world.cluster.objects(POD) == []
    grace = [c.body for c in world.cluster.calls if c.verb == "delete" and c.kind is POD]
    assert grace == [{"gracePeriodSeconds": 30}]
    await world.run(10)
    assert world.claim() is None
    assert "TerminationGracePeriodExpiring" in world.events()


async def test_stuck_pod_does_not_block_drain_for_ever(world: World) -> None:
    await ready(world, terminationGracePeriod="2m")
    held = {labels.DO_NOT_DISRUPT: "true"}
    world.pod("a", annotations=held, finalizers=["example.com/never"])
    await delete(world)
    await world.run(22)
    assert not pool_goes(world)
    await world.run(12)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_drain_timeout_applies_without_grace_period(world: World) -> None:
    world.timeouts = Timeouts(drain_timeout=timedelta(seconds=30))
    world.start()
    await ready(world)
    world.pod("a", annotations={labels.DO_NOT_DISRUPT: "true"})
    await delete(world)
    await world.run(5)
    assert not pool_goes(world)
    await world.run(3)
    assert pool_goes(world)
    assert world.condition("Drained") == ("False", "DrainTimeout")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (Unauthorized(Reason.CLOUD_UNAUTHORIZED, "no Contributor"), ("False", "CloudUnauthorized")),
        (CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "429"), ("False", "CloudUnavailable")),
        (PoolBusy(Reason.CLOUD_UNAVAILABLE, "in progress", 5.0), ("Unknown", "TerminationQueued")),
    ],
    ids=["not allowed", "throttled", "busy"],
)
async def test_refused_deletion_is_shown_and_retried(
    world: World, error: CloudError, shown: tuple[str, str]
) -> None:
    await ready(world)
    for _ in range(3):
        world.cloud.fail_next("delete", error)
    await delete(world)
    await world.run(1)
    assert world.condition("InstanceTerminating") == shown
    assert "cannot be deleted yet" in world.message("InstanceTerminating")
    await world.run(50)
    assert world.claim() is None and world.cloud.pools() == {}
    assert deletes(world) == 4


async def test_late_failed_deletion_is_retried(world: World) -> None:
    await ready(world)
    await delete(world)
    await world.run(1)
    for attempt in range(3):
        failed = replace(
            world.cloud.pools()[NAME],
            state=PoolState.FAILED,
            error=LaunchRefused(Reason.LAUNCH_FAILED, "a disk is attached"),
        )
        world.cloud.seed(failed)
        world.cloud._ends.clear()
        await world.run(2)
        assert world.condition("InstanceTerminating") == ("False", "TerminationFailed")
        assert "a disk is attached" in world.message("InstanceTerminating")
        for _ in range(15):
            if deletes(world) == attempt + 1:
                await world.run(1)
    assert deletes(world) == 4
    await world.run(10)
    assert world.claim() is None


async def test_locked_pool_is_deleted_at_growing_pauses(world: World) -> None:
    await ready(world)
    locked = LaunchRefused(Reason.RESOURCE_LOCKED, "ScopeLocked: remove the lock")
    for _ in range(20):
        world.cloud.fail_next("delete", locked)
    await delete(world)
    await world.run(30 * 60 // 5)
    assert world.condition("InstanceTerminating") == ("False", "ResourceLocked")
    assert "ScopeLocked" in world.message("InstanceTerminating")
    assert deletes(world) <= 5


async def test_deletion_that_fails_late_is_retried_at_growing_pauses(world: World) -> None:
    await ready(world)
    await delete(world)
    for _ in range(30 * 60 // 5):
        pool = world.cloud.pools()[NAME]
        if pool.state is PoolState.DELETING:
            error = LaunchRefused(Reason.TERMINATION_BLOCKED, "PodDrainFailure: web-0")
            world.cloud.seed(replace(pool, state=PoolState.FAILED, error=error))
            world.cloud._ends.clear()
        await world.run(1)
    assert world.condition("InstanceTerminating") == ("False", "TerminationBlocked")
    assert "PodDrainFailure" in world.message("InstanceTerminating")
    assert deletes(world) <= 10


async def test_deletion_after_our_own_drain_ignores_budgets(world: World) -> None:
    await ready(world)
    world.pod("a")
    refuse(world, 100)
    await delete(world)
    await world.run(20)
    assert world.claim() is None and world.cloud.budgets_ignored == {NAME}


async def test_refused_create_does_not_delay_deletion(world: World) -> None:
    world.cloud.fail_next("create", Unauthorized(Reason.CLOUD_UNAUTHORIZED, "no Contributor"))
    world.ask()
    await world.run(3)
    await delete(world)
    await world.run(1)
    assert world.claim() is None


async def test_reason_of_deletion_stays_in_status(world: World) -> None:
    await ready(world)
    world.set_ready(NAME, "Unknown")
    world.pod("a", annotations={labels.DO_NOT_DISRUPT: "true"})
    await world.run(124)
    assert world.condition("Ready") == ("False", "NodeUnhealthy")
    assert world.condition("Drained")[0] in ("Unknown", "False")
    assert world.condition("Initialized") == ("True", "Initialized")


async def test_drain_does_not_touch_foreign_node(world: World) -> None:
    """The pool with the claim's name belongs to someone else, and so does its node."""
    world.ask()
    await world.run(2)
    foreign = replace(world.cloud.pools()[NAME], state=PoolState.SUCCEEDED, tags={}, labels={})
    world.cloud.seed(foreign)
    world.cloud._ends.clear()
    await world.run(2)
    world.pod("a")
    await delete(world)
    await world.run(5)
    assert world.claim() is None and not pool_goes(world)
    assert world.cluster.peek(NODE, f"aks-{NAME}-0") is not None
    assert world.cluster.peek(POD, "a", "default") is not None


@pytest.mark.parametrize("ticks", range(1, 14))
async def test_claim_can_be_deleted_at_any_moment(world: World, ticks: int) -> None:
    world.ask()
    await world.run(ticks)
    await delete(world)
    await world.run(30)
    assert world.claim() is None and world.cloud.pools() == {}
    assert world.cluster.objects(NODE) == []


async def test_young_pool_is_confirmed_gone_by_name(
    world: World,
) -> None:
    world.cloud.operation = timedelta(seconds=5)
    world.ask()
    await world.run(4, seconds=2)
    await delete(world)
    await world.run(10, seconds=2)
    assert world.claim() is None
    assert ("get", NAME) in world.cloud.calls


async def test_old_pool_missing_from_listing_needs_no_confirmation(world: World) -> None:
    await ready(world)
    await delete(world)
    await world.run(12)
    assert world.claim() is None
    assert ("get", NAME) not in world.cloud.calls


def deletes(world: World) -> int:
    return [call for call, _ in world.cloud.calls].count("delete")
