"""The built-in scaler end to end: reports of a front door in, spec.replicas and its reason out."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from kaito_api import labels
from kaito_api.conditions import find
from kaito_kube.errors import Conflict
from kaito_kube.kinds import EVENT, INFERENCE_SET, WORKSPACE, Manifest, key_of
from tests.workspace_controller.inference_sets.given_sets import inference_set
from tests.workspace_controller.inference_sets.set_environment import KEY, SetEnvironment
from workspace_controller.demand.counters import Counters
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.report import Report

_PERIOD = 5.0
RULES = {"maxReplicas": 3, "targetRequests": 10}


@dataclass
class World:
    """A set with autoscaling, whose controller has a sample and a look every five seconds.

    `requests` are those that its front door has at once, as its reports say; None without one.
    """

    sets: SetEnvironment = field(default_factory=SetEnvironment)
    requests: int | None = 0
    uptime: float = 0.0
    seconds: float = 0.0
    is_first: bool = True

    def __post_init__(self) -> None:
        self.sets.current = CurrentDemand(lambda: self.uptime)

    async def run(self, seconds: float) -> None:
        ends = self.uptime + seconds
        while self.uptime < ends:
            before = self.sets.environment.clock.now()
            if self.requests is not None:
                self.report(self.requests)
            if self.sets.look():
                await self.sets.settle()
            passed = (self.sets.environment.clock.now() - before).total_seconds()
            if passed < _PERIOD:
                self.sets.environment.clock.advance(_PERIOD - passed)
            self.uptime += _PERIOD

    def report(self, requests: int) -> None:
        self.seconds += requests * _PERIOD
        self.sets.current.take(
            Report(
                gateway="door-1",
                epoch="a",
                uptime_seconds=self.uptime,
                models={str(KEY): Counters(arrived=requests, request_seconds=self.seconds)},
                first=self.is_first,
            )
        )
        self.is_first = False

    @property
    def replicas(self) -> int:
        return int(self.sets.set()["spec"]["replicas"])

    def condition(self) -> tuple[str, str]:
        conditions = self.sets.set()["status"]["conditions"]
        found = find(conditions, "AutoscalingActive") or {}
        return found["reason"], found["message"]

    def notes(self) -> list[str]:
        events = self.sets.environment.cluster.objects(EVENT)
        return [e["note"] for e in events if str(e["reason"]).startswith("Scaled")]


async def world(**spec: Any) -> World:
    made = World()
    manifest = inference_set(**{"replicas": 1, "autoscaling": RULES, **spec})
    made.sets.environment.cluster.seed(INFERENCE_SET, manifest)
    await made.sets.settle()
    return made


async def test_replicas_follow_the_demand_up_and_down() -> None:
    sets = await world()
    sets.requests = 25
    await sets.run(60)
    assert sets.replicas == 3
    assert len(sets.sets.workspaces()) == 3
    sets.requests = 4
    await sets.run(700)
    assert sets.replicas == 1
    assert len(sets.sets.workspaces()) == 1
    assert sets.condition() == ("DemandFollowed", "1 to 3 replicas by demand")
    assert sets.notes() == [
        "spec.replicas 1 -> 3: for 30 s, 3 were needed (now 25.0 requests at once, 10 a replica)",
        "spec.replicas 3 -> 1: for 600 s, no more than 1 were needed (now 4.0 requests at once, "
        "10 a replica)",
    ]


async def test_without_a_front_door_nothing_changes() -> None:
    sets = await world(replicas=2)
    sets.requests = None
    await sets.run(1000)
    assert sets.replicas == 2
    assert sets.condition()[0] == "DemandUnknown"


async def test_a_new_leader_takes_nothing_away_before_it_has_seen_the_whole_window() -> None:
    sets = await world(replicas=2)
    await sets.run(500)
    sets.sets.recommendations = sets.sets.successor()
    await sets.run(590)
    assert sets.replicas == 2
    await sets.run(30)
    assert sets.replicas == 1


async def test_a_new_leader_knows_when_the_last_change_was() -> None:
    sets = await world()
    sets.requests = 25
    await sets.run(40)
    assert sets.replicas == 3
    assert labels.SCALED_AT in sets.sets.set()["metadata"]["annotations"]
    sets.sets.change(autoscaling={**RULES, "scaleDownWindowSeconds": 60})
    sets.requests = 0
    await sets.run(30)
    assert sets.replicas == 3


async def test_nothing_is_written_while_nothing_changes() -> None:
    sets = await world()
    sets.requests = 5
    await sets.run(60)
    before = sets.sets.environment.cluster.version
    await sets.run(1200)
    assert sets.sets.environment.cluster.version == before


async def test_a_set_that_somebody_scaled_meanwhile_is_decided_again() -> None:
    sets = await world()
    reconciler = sets.sets.reconciler()
    sets.sets.change(replicas=2)
    for _ in range(10):
        sets.report(25)
        reconciler.observer.recommendations.sample()
        sets.sets.environment.clock.advance(_PERIOD)
        sets.uptime += _PERIOD
    with pytest.raises(Conflict):
        await reconciler.reconcile(KEY)
    assert sets.replicas == 2


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00", "2026-01-01", "yesterday", ""])
async def test_a_time_of_the_last_change_that_is_none_holds_nothing(at: str) -> None:
    """Anybody who may edit the set may write it, and one controller serves all namespaces."""
    sets = await world()
    patch = {"metadata": {"annotations": {labels.SCALED_AT: at}}}
    sets.sets.environment.cluster.change(INFERENCE_SET, KEY, patch)
    sets.requests = 25
    await sets.run(60)
    assert sets.replicas == 3


async def test_a_set_that_nobody_can_decide_about_is_left_to_its_own_pass() -> None:
    sets = await world()
    (workspace,) = sets.sets.workspaces()
    broken = {"status": {"targetNodeCount": "many"}}
    sets.sets.environment.cluster.change(WORKSPACE, key_of(workspace), broken)
    assert sets.sets.look()


async def test_a_set_without_autoscaling_has_no_such_condition() -> None:
    sets = await world()
    await sets.run(10)
    assert sets.condition()[0] == "DemandFollowed"
    sets.sets.change(autoscaling=None)
    await sets.sets.settle()
    conditions: list[Manifest] = sets.sets.set()["status"]["conditions"]
    assert find(conditions, "AutoscalingActive") is None


async def test_kaitos_own_scaler_and_this_one_do_not_both_write() -> None:
    sets = await world()
    patch = {"metadata": {"annotations": {"scaledobject.kaito.sh/auto-provision": "true"}}}
    sets.sets.environment.cluster.change(INFERENCE_SET, KEY, patch)
    sets.requests = 25
    await sets.run(60)
    assert sets.replicas == 1
    reason, message = sets.condition()
    assert reason == "SeveralScalers"
    assert "remove the annotation or spec.autoscaling" in message


async def test_the_price_limit_counts_the_nodes_by_their_list_price() -> None:
    sets = await world(autoscaling={**RULES, "maxPricePerHour": "0.01"})
    sets.requests = 25
    await sets.run(60)
    assert sets.replicas == 1
    reason, message = sets.condition()
    assert reason == "PriceLimitReached"
    assert "spec.autoscaling.maxPricePerHour=0.01, and a replica costs $" in message
