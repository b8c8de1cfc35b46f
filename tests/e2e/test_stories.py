"""Stories of peers that ended badly, told here on the real cluster. Each names its issue."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import yaml

from tools.demo import cloud, manifests
from tools.demo.chaos import kill_container, leader_of
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.stage import NAMESPACE, Stage
from tools.demo.walkthrough import UNTUNED

PROVISIONER = "kaito-gpu-provisioner"


@dataclass
class Watched:
    """Claims and agent pools, side by side, at every look."""

    kubectl: Kubectl
    seen: list[tuple[set[str], set[str]]] = field(default_factory=list)

    def look(self) -> tuple[set[str], set[str]]:
        """Names of claims, and after that of pools: a pool without a claim has outlived it."""
        claims = {c["metadata"]["name"] for c in self.kubectl.items("machines.karpenter.sh")}
        pools = set(cloud.pool_names())
        self.seen.append((claims, pools))
        return claims, pools

    def orphans(self) -> set[str]:
        """Pools that were ever seen without their claim."""
        return {name for claims, pools in self.seen for name in pools - claims}


def apply(kubectl: Kubectl, name: str = manifests.UNTUNED) -> None:
    manifest = yaml.safe_load(UNTUNED.read_text())
    manifest["metadata"]["name"] = name
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))


def condition(kubectl: Kubectl, type_: str) -> tuple[str, str]:
    workspace = kubectl.get("workspace", manifests.UNTUNED) or {}
    found = (workspace.get("status") or {}).get("conditions") or ()
    return next(((c["status"], c["reason"]) for c in found if c["type"] == type_), ("", ""))


def nodes_ready(kubectl: Kubectl) -> str | None:
    status, reason = condition(kubectl, "ResourceReady")
    return None if status == "True" else f"ResourceReady is {status} {reason}"


def pool_of(kubectl: Kubectl) -> tuple[str, str, str]:
    """The Workspace's one claim (name and uid) and its node."""
    claims = kubectl.items("machines.karpenter.sh")
    assert len(claims) == 1
    metadata = claims[0]["metadata"]
    return metadata["name"], metadata["uid"], claims[0]["status"]["nodeName"]


def bring_down(kubectl: Kubectl) -> None:
    """SIGKILL to the leader, and nobody takes over."""
    kill_container(kubectl, leader_of(kubectl, "gpu-provisioner"), NAMESPACE, "provisioner")
    kubectl.run("scale", "deployment", PROVISIONER, "-n", NAMESPACE, "--replicas=0")
    labels = "app.kubernetes.io/name=gpu-provisioner"
    kubectl.run("delete", "pods", "-n", NAMESPACE, "-l", labels, "--grace-period=0", "--force")


def bring_up(kubectl: Kubectl) -> None:
    kubectl.run("scale", "deployment", PROVISIONER, "-n", NAMESPACE, "--replicas=2")


@pytest.fixture
def provisioner_back(clean: Stage) -> Iterator[None]:
    """However the test ends, the next one finds the provisioner at work."""
    yield
    bring_up(clean.kubectl)
    clean.kubectl.run("rollout", "status", f"deployment/{PROVISIONER}", "-n", NAMESPACE)


@pytest.mark.usefixtures("provisioner_back")
def test_claims_deleted_while_the_provisioner_is_down_wait_for_their_pools(clean: Stage) -> None:
    """gpu-provisioner#178, #186: killed during a long create, its claims deleted meanwhile."""
    kubectl, watched = clean.kubectl, Watched(clean.kubectl)
    cloud.set_fault("slow", operation="agentPools.put", seconds=25)
    apply(kubectl)
    wait_for("a pool that is being made", lambda: None if watched.look()[1] else "none", 60)
    bring_down(kubectl)
    kubectl.delete("workspace", manifests.UNTUNED, wait=False)
    kubectl.run("delete", "machines.karpenter.sh", "--all", "--wait=false")
    down_until = time.monotonic() + 35

    def still_down() -> str | None:
        watched.look()
        return "down" if time.monotonic() < down_until else None

    wait_for("the create to end without a provisioner", still_down, 60)
    assert watched.look()[1], "the pool outlives its provisioner"
    bring_up(kubectl)

    def gone() -> str | None:
        claims, pools = watched.look()
        return f"{claims or ''} {pools or ''}" if claims or pools else None

    wait_for("claim and pool to go", gone, 120, pause=0.2)
    assert not watched.orphans()


def test_a_cluster_that_sleeps_keeps_its_nodes(clean: Stage) -> None:
    """KAITO#2075: `az aks stop` and `start`, and a waking node is taken for a leaked one."""
    kubectl = clean.kubectl
    apply(kubectl)
    wait_for("a node", lambda: nodes_ready(kubectl), 120)
    wait_for("the create to end", lambda: None if cloud.pools_at_rest() else "it goes on", 60)
    before, deletes = pool_of(kubectl), cloud.calls("agentPools.delete")

    def asleep() -> str | None:
        return "the node is Ready" if nodes_ready(kubectl) is None else None

    cloud.set_power("stop")
    try:
        wait_for("the node to be away", asleep, 120)
    finally:
        cloud.set_power("start")
    wait_for("the node to be back", lambda: nodes_ready(kubectl), 180)
    assert pool_of(kubectl) == before
    assert cloud.calls("agentPools.delete") == deletes


def test_a_machine_that_joins_after_its_operation_failed_is_kept(clean: Stage) -> None:
    """Azure Karpenter#1907: reported Failed, joins healthy, is deleted 10 to 14 s later."""
    kubectl = clean.kubectl
    creates, deletes = cloud.calls("agentPools.put"), cloud.calls("agentPools.delete")
    cloud.set_fault("fails-then-joins", seconds=15, count=1)
    apply(kubectl)

    def failed() -> str | None:
        return None if condition(kubectl, "ResourceReady")[1] == "LaunchFailed" else "not yet"

    wait_for("the failure to be told", failed, 60, pause=0.2)
    wait_for("the machine that joins all the same", lambda: nodes_ready(kubectl), 120)
    name = pool_of(kubectl)[0]
    settled = time.monotonic() + 30
    wait_for("half a minute", lambda: None if time.monotonic() > settled else "early", 60)
    assert nodes_ready(kubectl) is None
    assert cloud.pool_names() == [name]
    assert cloud.calls("agentPools.put") == creates + 1
    assert cloud.calls("agentPools.delete") == deletes
