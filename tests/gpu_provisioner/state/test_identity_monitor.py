"""The comparison of both clusters: refused when they differ, repeated while it is unknown."""

from dataclasses import replace

import pytest

from gpu_provisioner.cloud.errors import CloudUnavailable
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.lifecycle.cluster_identity import Identity, WrongCluster
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from gpu_provisioner.state.identity_monitor import IdentityMonitor
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock
from kaito_kube.errors import Unavailable
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import NODE

PROVIDER_ID = "azure:///subscriptions/s/resourceGroups/mc_b/providers/Microsoft.Compute/x/0"


def given(group: str, *, enabled: bool = True) -> tuple[FakeClock, FakeCloud, IdentityMonitor]:
    clock = FakeClock()
    cluster, cloud = FakeCluster(clock), FakeCloud(clock)
    cloud.state = replace(cloud.state, resource_id="/subscriptions/s/prod", node_group=group)
    cluster.seed(NODE, {"metadata": {"name": "a"}, "spec": {"providerID": PROVIDER_ID}})
    return clock, cloud, IdentityMonitor(cluster, ClusterMonitor(cloud, clock), enabled)


async def test_other_cluster_is_refused() -> None:
    _, _, monitor = given("s/mc_a")
    with pytest.raises(WrongCluster, match=r"s/mc_a.*s/mc_b"):
        await monitor.check()


async def test_same_cluster_is_asked_for_once() -> None:
    _, cloud, monitor = given("s/mc_b")
    assert await monitor.check() is await monitor.check() is Identity.SAME
    assert cloud.calls == [("cluster", "")]


async def test_unknown_is_no_mismatch_and_is_asked_again() -> None:
    clock, cloud, monitor = given("s/mc_a")
    cloud.fail_next("cluster", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "503"))
    assert await monitor.check() is Identity.UNKNOWN
    clock.advance(60)
    with pytest.raises(WrongCluster):
        await monitor.check()


async def test_unreadable_nodes_are_no_mismatch() -> None:
    _, _, monitor = given("s/mc_a")
    cluster = monitor.cluster
    assert isinstance(cluster, FakeCluster)
    cluster.fail_next("list", Unavailable("etcd is away"), NODE)
    assert await monitor.check() is Identity.UNKNOWN


async def test_comparison_can_be_turned_off() -> None:
    _, cloud, monitor = given("s/mc_a", enabled=False)
    assert await monitor.check() is Identity.UNKNOWN and cloud.calls == []


async def test_azure_is_not_called_before_the_api_server_responds() -> None:
    """Its first response sets the clock, and a call that was paced before would hold the next."""
    _, cloud, monitor = given("s/mc_a")
    assert isinstance(monitor.cluster, FakeCluster)
    monitor.cluster.fail_next("list", Unavailable("timed out"))
    assert await monitor.check() is Identity.UNKNOWN
    assert cloud.calls == []
