"""Agent pools that somebody scales by hand: a claim is one machine."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from gpu_provisioner.settings import Timeouts
from kaito_api import labels
from kaito_kube.fake import Call
from kaito_kube.kinds import EVENT, NODE, POD, Key
from tests.gpu_provisioner.lifecycle.test_instance_state import SPOT
from tests.gpu_provisioner.world import KINDS, NAME, World

FIRST, SECOND = f"aks-{NAME}-0", f"aks-{NAME}-1"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    """A world with one claim whose node is Ready."""
    world = World(request.param, timeouts=Timeouts())
    world.ask()
    await world.run(12)
    assert world.condition("Ready") == ("True", "Ready")
    return world


def scale(world: World, count: int) -> None:
    """Do what `az aks nodepool scale` does."""
    world.cloud.seed(replace(world.cloud.pools()[NAME], count=count))
    if count == 0:
        world.evict()
    if count == 2:
        second: Any = deepcopy(world.cluster.peek(NODE, FIRST))
        second["metadata"] = {
            "name": SECOND,
            "labels": {**world.cloud.pools()[NAME].labels, labels.AGENT_POOL: NAME},
        }
        world.cluster.seed(NODE, second)


def notes(world: World) -> list[str]:
    events = world.cluster.objects(EVENT)
    return [event["note"] for event in events if event["reason"] == "PoolScaled"]


async def test_pool_of_two_machines_is_said_once_and_keeps_working(world: World) -> None:
    scale(world, 2)
    await world.run(30)
    note = (
        f"somebody scaled agent pool {NAME} to 2 machines, and a claim is one: the others are "
        "billed too, and are drained and deleted with the claim. Scale it back to 1"
    )
    assert notes(world) == [note]
    assert world.condition("Launched") == ("True", "Launched")
    assert world.message("Launched").endswith(note)
    assert world.condition("Ready") == ("True", "Ready")
    scale(world, 1)
    await world.run(2)
    assert "scaled" not in world.message("Launched")


async def test_all_machines_of_the_pool_are_drained_before_it_is_deleted(world: World) -> None:
    scale(world, 2)
    for pod, node in (("model", FIRST), ("other", SECOND)):
        world.pod(pod, spec={"nodeName": node}, annotations={labels.DO_NOT_DISRUPT: "true"})
    await world.run(1)
    await world.cluster.delete(world.kind, NAME)
    await world.run(2)
    assert world.condition("Drained") == ("False", "DrainBlocked")
    assert "2 of 2 pods block the drain: pod default/model" in world.message("Drained")
    assert "pod default/other" in world.message("Drained")
    for name in (FIRST, SECOND):
        found = world.cluster.peek(NODE, name)
        assert found is not None
        assert labels.DISRUPTED in [taint["key"] for taint in found["spec"]["taints"]]
    free = {"metadata": {"annotations": {labels.DO_NOT_DISRUPT: None}}}
    await world.cluster.patch(POD, "model", free, namespace="default")
    await world.run(2)
    assert ("delete", NAME) not in world.cloud.calls, "the second machine's pod is waited for"
    await world.cluster.patch(POD, "other", free, namespace="default")
    await world.run(20)
    assert world.claim() is None and world.cluster.objects(NODE) == []


async def test_machine_that_joins_while_the_pods_of_another_are_listed_is_drained(
    world: World,
) -> None:
    world.pod("other", spec={"nodeName": SECOND}, annotations={labels.DO_NOT_DISRUPT: "true"})
    await world.cluster.delete(world.kind, NAME)
    ending = world.claim()
    assert ending is not None
    world.store.upsert(world.kind, ending)

    def join_second(call: Call) -> None:
        if call.verb == "list" and call.kind is POD and world.cluster.peek(NODE, SECOND) is None:
            scale(world, 2)
            second = world.cluster.peek(NODE, SECOND)
            assert second is not None
            world.store.upsert(NODE, second)

    world.cluster.hook = join_second
    await world.reconciler.reconcile(world.kind, Key("", NAME))
    assert world.condition("Drained") == ("False", "DrainBlocked")
    assert ("delete", NAME) not in world.cloud.calls


async def test_pool_without_machines_is_said_and_deleted_after_the_toleration(
    world: World,
) -> None:
    scale(world, 0)
    await world.run(1)
    message = (
        f"node {FIRST} is gone, because somebody scaled agent pool {NAME} to 0 machines. Scale it "
        "back to 1, or claim and pool are deleted after 300 s"
    )
    assert world.condition("Registered") == ("False", "PoolScaled")
    assert world.condition("Ready") == ("False", "PoolScaled")
    assert world.message("Ready") == message
    assert message in notes(world)
    await world.run(57)
    assert world.claim() is not None and ("delete", NAME) not in world.cloud.calls
    await world.run(20)
    assert world.claim() is None and world.cloud.pools() == {}


async def test_pool_that_is_scaled_back_in_time_is_kept(world: World) -> None:
    scale(world, 0)
    await world.run(30)
    scale(world, 1)
    world.joins = True
    await world.run(80)
    assert world.condition("Ready") == ("True", "Ready")
    assert "scaled" not in world.message("Launched")


async def test_spot_pool_without_machines_was_scaled_and_not_evicted() -> None:
    world = World(KINDS[1])
    world.ask()
    await world.run(12)
    await world.cluster.patch(NODE, FIRST, {"metadata": {"labels": SPOT}})
    await world.run(1)
    scale(world, 0)
    await world.run(15)
    assert world.condition("Ready") == ("False", "PoolScaled"), "and has more than a minute"
