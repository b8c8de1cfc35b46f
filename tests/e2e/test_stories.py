"""Incidents from other projects, replayed on the real cluster. Each test names its source."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.e2e.untuned import apply, condition, nodes_ready, pool_of
from tools.demo import cloud, manifests
from tools.demo.chaos import kill_container, leader_of
from tools.demo.cluster import NAMESPACE, KaitoCluster
from tools.demo.kubectl import Kubectl, wait_for

PROVISIONER = "kaito-gpu-provisioner"


@dataclass
class ClaimsAndPools:
    """Records the claims and the agent pools at every observation."""

    kubectl: Kubectl
    history: list[tuple[set[str], set[str]]] = field(default_factory=list)

    def observe(self) -> tuple[set[str], set[str]]:
        """The names of claims, then of pools, so that a pool without a claim has outlived it."""
        claims = {c["metadata"]["name"] for c in self.kubectl.items("machines.karpenter.sh")}
        pools = set(cloud.pool_names())
        self.history.append((claims, pools))
        return claims, pools

    def orphans(self) -> set[str]:
        """Pools that were ever observed without their claim."""
        return {name for claims, pools in self.history for name in pools - claims}


def take_provisioner_down(kubectl: Kubectl) -> None:
    """Kill the leader and scale to zero, so that no replica takes over."""
    kill_container(kubectl, leader_of(kubectl, "gpu-provisioner"), NAMESPACE, "provisioner")
    kubectl.run("scale", "deployment", PROVISIONER, "-n", NAMESPACE, "--replicas=0")
    labels = "app.kubernetes.io/name=gpu-provisioner"
    kubectl.run("delete", "pods", "-n", NAMESPACE, "-l", labels, "--grace-period=0", "--force")


def start_provisioner(kubectl: Kubectl) -> None:
    kubectl.run("scale", "deployment", PROVISIONER, "-n", NAMESPACE, "--replicas=2")


@pytest.fixture
def provisioner_back(clean: KaitoCluster) -> Iterator[None]:
    """Make sure that the provisioner runs again after the test."""
    yield
    start_provisioner(clean.kubectl)
    clean.kubectl.run("rollout", "status", f"deployment/{PROVISIONER}", "-n", NAMESPACE)


@pytest.mark.usefixtures("provisioner_back")
def test_claims_deleted_without_a_provisioner_outlive_their_pools(
    clean: KaitoCluster,
) -> None:
    """gpu-provisioner#178, #186: killed during a long create, and claims are deleted meanwhile."""
    kubectl, recorder = clean.kubectl, ClaimsAndPools(clean.kubectl)
    cloud.set_fault("slow", operation="agentPools.put", seconds=25)
    apply(kubectl)
    wait_for("a pool that is being created", lambda: None if recorder.observe()[1] else "none", 60)
    take_provisioner_down(kubectl)
    kubectl.delete("workspace", manifests.UNTUNED, wait=False)
    kubectl.run("delete", "machines.karpenter.sh", "--all", "--wait=false")
    down_until = time.monotonic() + 35

    def still_down() -> str | None:
        recorder.observe()
        return "down" if time.monotonic() < down_until else None

    wait_for("the create to end without a provisioner", still_down, 60)
    assert recorder.observe()[1], "the pool outlives its provisioner"
    start_provisioner(kubectl)

    def gone() -> str | None:
        claims, pools = recorder.observe()
        return f"{claims or ''} {pools or ''}" if claims or pools else None

    wait_for("claim and pool to be deleted", gone, 120, pause=0.2)
    assert not recorder.orphans()


def test_stopped_cluster_keeps_its_nodes(clean: KaitoCluster) -> None:
    """KAITO#2075: after `az aks stop` and `start`, a starting node is mistaken for a leaked one."""
    kubectl = clean.kubectl
    apply(kubectl)
    wait_for("a node", lambda: nodes_ready(kubectl), 120)
    wait_for(
        "the create to end", lambda: None if cloud.pools_at_rest() else "it is still running", 60
    )
    before, deletes = pool_of(kubectl), cloud.calls("agentPools.delete")

    def stopped() -> str | None:
        return "the node is Ready" if nodes_ready(kubectl) is None else None

    cloud.set_power("stop")
    try:
        wait_for("the node to be NotReady", stopped, 120)
    finally:
        cloud.set_power("start")
    wait_for("the node to be Ready again", lambda: nodes_ready(kubectl), 180)
    assert pool_of(kubectl) == before
    assert cloud.calls("agentPools.delete") == deletes


def test_machine_that_joins_after_a_failed_operation_is_kept(clean: KaitoCluster) -> None:
    """Azure Karpenter#1907: reported Failed, joins healthy, and is deleted 10 to 14 s later."""
    kubectl = clean.kubectl
    creates, deletes = cloud.calls("agentPools.put"), cloud.calls("agentPools.delete")
    cloud.set_fault("fails-then-joins", seconds=15, count=1)
    apply(kubectl)

    def failed() -> str | None:
        return None if condition(kubectl, "ResourceReady")[1] == "LaunchFailed" else "not yet"

    wait_for("the failure to be reported", failed, 60, pause=0.2)
    wait_for("the machine to join anyway", lambda: nodes_ready(kubectl), 120)
    name = pool_of(kubectl)[0]
    settled = time.monotonic() + 30
    wait_for("half a minute", lambda: None if time.monotonic() > settled else "early", 60)
    assert nodes_ready(kubectl) is None
    assert cloud.pool_names() == [name]
    assert cloud.calls("agentPools.put") == creates + 1
    assert cloud.calls("agentPools.delete") == deletes
