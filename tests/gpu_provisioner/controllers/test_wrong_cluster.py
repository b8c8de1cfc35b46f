"""A replica that starts with the settings of another AKS cluster."""

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.controllers.manager import Manager
from gpu_provisioner.lifecycle.cluster_identity import WrongCluster
from kaito_kube.clock import FakeClock
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import LEASE, NODE, NODE_CLAIM
from kaito_kube.leader_election import LeaseConfig
from tests.gpu_provisioner.world import claim_manifest
from tests.simulation.provisioner import SETTINGS

pytestmark = pytest.mark.looptime

PROVIDER_ID = "azure:///subscriptions/s/resourceGroups/mc_b/providers/Microsoft.Compute/x/0"


async def test_replica_ends_before_it_leads_or_touches_anything() -> None:
    clock = FakeClock()
    cluster, cloud = FakeCluster(clock), FakeCloud(clock)
    cloud.state = replace(cloud.state, resource_id="/subscriptions/s/prod", node_group="s/mc_a")
    cluster.seed(NODE, {"metadata": {"name": "a"}, "spec": {"providerID": PROVIDER_ID}})
    cluster.seed(NODE_CLAIM, claim_manifest(NODE_CLAIM))
    manager = Manager(cluster, cloud, clock, SETTINGS, CollectorRegistry())
    with pytest.raises(
        WrongCluster, match="nodes of this Kubernetes cluster are machines in s/mc_b"
    ):
        async with asyncio.timeout(600):
            await manager.run(LeaseConfig(name="lease", namespace="kaito", identity="a"))
    assert cluster.objects(LEASE) == []
    assert {call.verb for call in cluster.calls} <= {"list", "watch"}
    assert cloud.calls == [("cluster", "")]
