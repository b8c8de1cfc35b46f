"""What is known of the cluster's power, and how often it is asked for."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudUnavailable
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.lifecycle.cluster_stability import UNKNOWN, Power
from gpu_provisioner.state.cluster_monitor import PowerWatch
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock

STEADY = ClusterState(running=True, settled=True, kubernetes_version="1.33.4")
STOPPED = replace(STEADY, running=False)
STARTING = replace(STEADY, settled=False)
START = datetime(2026, 1, 1, tzinfo=UTC)
SETTLE = timedelta(minutes=5)


def told(*answers: tuple[float, ClusterState]) -> Power:
    """What is known after those answers, each at its minute."""
    power = UNKNOWN
    for minute, state in answers:
        power = power.taken(state, START + timedelta(minutes=minute))
    return power


@pytest.mark.parametrize(
    ("power", "minute", "settled"),
    [
        (UNKNOWN, 10, False),
        (told((0, STEADY)), 4, False),
        (told((0, STEADY), (2, STEADY), (4, STEADY)), 5, True),
        (told((0, STEADY), (4, STOPPED)), 5, False),
        (told((0, STEADY), (4, STARTING)), 5, False),
        (told((0, STEADY), (4, STOPPED), (6, STEADY)), 10, False),
        (told((0, STEADY), (4, STOPPED), (6, STEADY), (10, STEADY)), 11, True),
        (told((0, STEADY), (60, STEADY)), 61, False),
    ],
    ids=[
        "never asked",
        "not for long enough",
        "steady all along",
        "stopped",
        "starting",
        "woke just now",
        "woke a while ago",
        "nobody looked for an hour",
    ],
)
def test_when_it_has_settled(power: Power, minute: float, settled: bool) -> None:
    assert power.is_settled(START + timedelta(minutes=minute), SETTLE) is settled


def test_only_a_sleep_that_was_seen_is_one_to_wake_from() -> None:
    assert told((0, STEADY), (2, STEADY)).woke is None
    assert told((0, STOPPED), (2, STEADY), (4, STEADY)).woke == START + timedelta(minutes=2)


async def test_all_who_ask_at_once_share_one_answer() -> None:
    clock = FakeClock()
    cloud = FakeCloud(clock)
    watch = PowerWatch(cloud, clock)
    await asyncio.gather(*(watch.ask() for _ in range(50)))
    assert cloud.calls == [("cluster", "")]
    clock.advance(16)
    await watch.ask()
    assert len(cloud.calls) == 2


async def test_a_cloud_that_does_not_answer_is_left_alone_for_a_while() -> None:
    clock = FakeClock()
    cloud = FakeCloud(clock)
    watch = PowerWatch(cloud, clock)
    cloud.fail_next("cluster", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "no answer", 30.0))
    for _ in range(5):
        assert (await watch.ask()).state is None
        clock.advance(5)
    assert len(cloud.calls) == 1
    clock.advance(10)
    assert (await watch.ask()).state == cloud.state
