"""Pools whose tags or node labels were replaced by a policy or by `az aks nodepool update`."""

from dataclasses import replace

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.cloud.errors import (
    CloudError,
    CloudUnavailable,
    LaunchRefused,
    PoolBusy,
    Throttled,
)
from gpu_provisioner.cloud.pools import Pool, PoolState
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.kinds import EVENT, NODE, Key
from tests.gpu_provisioner.world import KINDS, NAME, World

READY = ("True", "Ready")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    world.ask()
    await world.run(12)
    assert world.condition("Ready") == READY
    return world


def pool(world: World) -> Pool:
    return world.cloud.pools()[NAME]


def strip(world: World, **changes: dict[str, str]) -> None:
    world.cloud.seed(replace(pool(world), **changes))  # type: ignore[arg-type]


def updates(world: World) -> int:
    return [call for call, _ in world.cloud.calls].count("add_marks")


def notes(world: World, reason: Reason) -> list[str]:
    return [event["note"] for event in world.cluster.objects(EVENT) if event["reason"] == reason]


async def until_gone(world: World) -> None:
    await world.cluster.delete(world.kind, NAME)
    await world.run(20)
    assert world.claim() is None and world.cloud.pools() == {}
    assert world.cluster.objects(NODE) == []


@pytest.mark.parametrize(
    "lost",
    [
        {"tags": {}},
        {"tags": {"policy": "x"}},
        {"tags": {marks.CLAIM_UID: "rewritten", marks.CLUSTER_TAG: "prod"}},
        {"labels": {}},
        {"labels": {"app": "x"}},
        {"tags": {}, "labels": {}},
    ],
    ids=["no tags", "other tags", "rewritten tags", "no labels", "other labels", "no mark at all"],
)
async def test_lost_marks_are_put_back_and_the_node_stays_ready(
    world: World, lost: dict[str, dict[str, str]]
) -> None:
    strip(world, **lost)
    await world.run(3)
    assert world.condition("Ready") == READY
    assert pool(world).tags[marks.CLAIM_UID] == pool(world).labels[labels.CLAIM_UID] != "rewritten"
    assert pool(world).tags[marks.CLUSTER_TAG] == "aks"
    assert updates(world) == 1
    await until_gone(world)


@pytest.mark.parametrize("lost", [{"tags": {}}, {"labels": {}}, {"tags": {}, "labels": {}}])
async def test_claim_is_not_released_while_its_stripped_pool_exists(
    world: World, lost: dict[str, dict[str, str]]
) -> None:
    await world.cluster.delete(world.kind, NAME)
    strip(world, **lost)
    while world.claim() is not None:
        before = world.cloud.pools()
        await world.run(1)
    assert before == {} or world.cloud.pools() == {}
    assert ("delete", NAME) in world.cloud.calls


async def test_foreign_tags_stay_when_marks_are_put_back(world: World) -> None:
    strip(world, tags={"policy": "x", "KAITO-CLUSTER": "prod"})
    await world.run(3)
    assert pool(world).tags["policy"] == "x"
    assert "KAITO-CLUSTER" not in pool(world).tags and pool(world).tags["kaito-cluster"] == "aks"


async def test_policy_that_strips_tags_again_is_met_with_growing_pauses(world: World) -> None:
    world.cloud.strips_tags = True
    strip(world, tags={})
    await world.run(24 * 60, seconds=60)
    assert world.condition("Ready") == READY
    assert 5 <= updates(world) <= 13
    first, again = notes(world, Reason.POOL_MARKS_LOST)
    assert "has lost the tags kaito-claim, kaito-claim-uid" in first
    assert "exempt tags whose names start with kaito-" in again
    await until_gone(world)


async def test_refused_update_changes_nothing_for_the_claim(world: World) -> None:
    for _ in range(3):
        world.cloud.fail_next("add_marks", LaunchRefused(Reason.POLICY_DENIED, "Deny-tags"))
    strip(world, tags={})
    await world.run(20)
    assert world.condition("Ready") == READY and updates(world) <= 3
    await world.run(120)
    assert pool(world).tags[marks.MANAGED_BY] == marks.MANAGER
    assert "cannot be put back: Deny-tags" in notes(world, Reason.POOL_MARKS_LOST)[-1]


async def test_busy_cloud_is_no_attempt(world: World) -> None:
    busy = PoolBusy(Reason.CLOUD_UNAVAILABLE, "another operation is in progress", 5.0)
    for _ in range(5):
        world.cloud.fail_next("add_marks", busy)
    strip(world, tags={})
    await world.run(12)
    assert updates(world) == 6 and pool(world).tags[marks.MANAGED_BY] == marks.MANAGER
    (note,) = notes(world, Reason.POOL_MARKS_LOST)
    assert note.endswith("which are put back")


@pytest.mark.parametrize(
    "error",
    [
        PoolBusy(Reason.CLOUD_UNAVAILABLE, "the pool has changed", 5.0),
        CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "ARM answers 503"),
        Throttled(Reason.LAUNCH_QUEUED, "queued", 8.0),
        LaunchRefused(Reason.POLICY_DENIED, "Deny-tags"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_attempt_that_fails_is_repeated_although_nothing_changes(
    world: World, error: CloudError
) -> None:
    """Only the passes that the reconciler itself asks for follow: no object and no pool changes."""
    strip(world, labels={})
    world.cloud.fail_next("add_marks", error)
    await world.refresh.poll()
    seconds = await world.reconciler.reconcile(world.kind, Key("", NAME))
    while seconds is not None and updates(world) < 2:
        world.clock.advance(seconds)
        seconds = await world.reconciler.reconcile(world.kind, Key("", NAME))
    assert updates(world) == 2
    assert marks.has_uid(pool(world)) and labels.CLAIM_UID in pool(world).labels


async def test_loss_after_a_day_is_told_like_the_first(world: World) -> None:
    for _ in range(3):
        strip(world, tags={})
        await world.run(2)
        await world.run(26 * 6, seconds=600)
    assert updates(world) == 3
    assert len(notes(world, Reason.POOL_MARKS_LOST)) == 1


async def test_pool_in_operation_is_not_written(world: World) -> None:
    world.cloud.seed(replace(pool(world), tags={}, state=PoolState.UPDATING))
    await world.run(5)
    assert updates(world) == 0 and world.condition("Ready") == READY
    strip(world, state=PoolState.SUCCEEDED)  # type: ignore[arg-type]
    await world.run(2)
    assert updates(world) == 1


async def test_pool_with_contradicting_marks_is_neither_deleted_nor_let_go(world: World) -> None:
    other = {**pool(world).labels, labels.CLAIM_UID: "another"}
    strip(world, labels=other)
    await world.run(3)
    assert world.condition("Ready") == READY
    assert "names this claim, and its node label" in world.message("Launched")
    await world.cluster.delete(world.kind, NAME)
    await world.run(20)
    assert world.condition("InstanceTerminating") == ("False", "TerminationFailed")
    message = world.message("InstanceTerminating")
    assert "the claim with uid another" in message and "az aks nodepool update" in message
    assert ("delete", NAME) not in world.cloud.calls and updates(world) == 0
    strip(world, labels={**other, labels.CLAIM_UID: pool(world).tags[marks.CLAIM_UID]})
    await world.run(20)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_unmarked_pool_without_its_node_is_held_until_somebody_decides(world: World) -> None:
    """Both marks are gone, and the machine too: the name alone might be somebody else's."""
    world.evict()
    strip(world, tags={}, labels={})
    await world.cluster.delete(world.kind, NAME)
    await world.run(20)
    assert world.condition("InstanceTerminating") == ("False", "TerminationFailed")
    assert "may be somebody else's and is left alone" in world.message("InstanceTerminating")
    assert ("delete", NAME) not in world.cloud.calls
    await world.cloud.delete(NAME)
    await world.run(10)
    assert world.claim() is None


async def test_unmarked_pool_whose_machine_has_not_joined_is_held_too() -> None:
    world = World(joins=False)
    world.ask()
    await world.run(12)
    assert world.condition("Launched") == ("True", "Launched")
    strip(world, tags={}, labels={})
    await world.run(10)
    assert world.condition("Launched") == ("False", "PoolMarksLost")
    assert "may be somebody else's and is left alone" in world.message("Launched")
    await world.cluster.delete(world.kind, NAME)
    await world.run(20)
    assert world.condition("InstanceTerminating") == ("False", "TerminationFailed")
    assert ("delete", NAME) not in world.cloud.calls


async def test_marks_of_many_pools_are_put_back_once_each_after_a_restart(world: World) -> None:
    strip(world, tags={})
    world.start()
    await world.run(10)
    assert updates(world) == 1 and world.condition("Ready") == READY
