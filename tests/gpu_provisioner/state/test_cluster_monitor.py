"""What is known about the stability of the cluster, and how often it is read."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudUnavailable, Unauthorized
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.lifecycle.cluster_stability import UNKNOWN, ClusterStability
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock

STEADY = ClusterState(running=True, settled=True, kubernetes_version="1.33.4")
STOPPED = replace(STEADY, running=False)
STARTING = replace(STEADY, settled=False)
START = datetime(2026, 1, 1, tzinfo=UTC)
SETTLE = timedelta(minutes=5)


def after(*answers: tuple[float, ClusterState]) -> ClusterStability:
    """Return what is known after those states, each at its minute."""
    power = UNKNOWN
    for minute, state in answers:
        power = power.updated(state, START + timedelta(minutes=minute))
    return power


@pytest.mark.parametrize(
    ("power", "minute", "settled"),
    [
        (UNKNOWN, 10, False),
        (after((0, STEADY)), 4, False),
        (after((0, STEADY), (2, STEADY), (4, STEADY)), 5, True),
        (after((0, STEADY), (4, STOPPED)), 5, False),
        (after((0, STEADY), (4, STARTING)), 5, False),
        (after((0, STEADY), (4, STOPPED), (6, STEADY)), 10, False),
        (after((0, STEADY), (4, STOPPED), (6, STEADY), (10, STEADY)), 11, True),
        (after((0, STEADY), (60, STEADY)), 61, False),
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
def test_cluster_settles_after_its_time(
    power: ClusterStability, minute: float, settled: bool
) -> None:
    assert power.is_settled(START + timedelta(minutes=minute), SETTLE) is settled


def test_only_an_observed_stop_counts_as_restart() -> None:
    assert after((0, STEADY), (2, STEADY)).restarted_at is None
    assert after((0, STOPPED), (2, STEADY), (4, STEADY)).restarted_at == START + timedelta(
        minutes=2
    )


@pytest.mark.parametrize("jump", [-3600, 3600], ids=["an hour back", "an hour forward"])
async def test_state_is_stale_and_unsettled_when_the_clock_is_set(jump: float) -> None:
    """The clock adopts the API server's time once, and nothing is given up on the way."""
    clock = FakeClock()
    monitor = ClusterMonitor(FakeCloud(clock), clock)
    for _ in range(4):
        await monitor.refresh()
        clock.advance(120)
    assert (await monitor.refresh()).is_settled(clock.now(), SETTLE)
    clock.advance(jump)
    assert not monitor.stability.is_fresh(clock.now())
    after = await monitor.refresh()
    assert after.is_fresh(clock.now()) and not after.is_settled(clock.now(), SETTLE)
    clock.advance(240)
    await monitor.refresh()
    clock.advance(60)
    assert monitor.stability.is_settled(clock.now(), SETTLE), "and no longer than usual"


async def test_concurrent_refreshes_share_one_request() -> None:
    clock = FakeClock()
    cloud = FakeCloud(clock)
    watch = ClusterMonitor(cloud, clock)
    await asyncio.gather(*(watch.refresh() for _ in range(50)))
    assert cloud.calls == [("cluster", "")]
    clock.advance(16)
    await watch.refresh()
    assert len(cloud.calls) == 2


async def test_unresponsive_cloud_is_not_called_again_at_once() -> None:
    clock = FakeClock()
    cloud = FakeCloud(clock)
    watch = ClusterMonitor(cloud, clock)
    cloud.fail_next("cluster", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "no answer", 30.0))
    for _ in range(5):
        assert (await watch.refresh()).state is None
        clock.advance(5)
    assert len(cloud.calls) == 1
    clock.advance(10)
    assert (await watch.refresh()).state == cloud.state


DENIED = (
    "The client 'c' does not have authorization to perform action "
    "'Microsoft.ContainerService/managedClusters/read' over scope '/subscriptions/s'"
)


async def test_missing_right_is_named_until_the_state_can_be_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    cloud = FakeCloud(clock)
    watch = ClusterMonitor(cloud, clock)
    for _ in range(1000):
        cloud.fail_next("cluster", Unauthorized(Reason.CLOUD_UNAUTHORIZED, DENIED))
    for _ in range(720):
        stability = await watch.refresh()
        clock.advance(10)
    assert stability.description == (
        "the state of the AKS cluster cannot be read (CloudUnauthorized: the identity needs "
        f"Microsoft.ContainerService/managedClusters/read on the cluster: {DENIED})"
    )
    assert 60 < len(cloud.calls) < 150
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    cloud.forget_failures()
    clock.advance(120)
    assert (await watch.refresh()).error == ""
