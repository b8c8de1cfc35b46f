"""An agent pool that somebody scales by hand, and a pod that never leaves its machine."""

import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e import arm
from tests.e2e.untuned import apply, condition, nodes_ready, pool_of, until_told
from tools.demo import cloud, manifests
from tools.demo.chaos import leader_of
from tools.demo.cluster import NAMESPACE, KaitoCluster, reconfigure
from tools.demo.kubectl import Kubectl, Manifest, wait_for

pytestmark = pytest.mark.long

STUBBORN = "stubborn"
PATIENCE = "gpu-provisioner.settings.nodeGoneTimeoutSeconds"
RIGHT = "Microsoft.ContainerService/managedClusters/read"


def nodes_of(kubectl: Kubectl, pool: str) -> list[str]:
    """The names of its Ready nodes."""
    return [
        node["metadata"]["name"]
        for node in kubectl.items("nodes", "-l", f"agentpool={pool}")
        if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
    ]


def serve(kubectl: Kubectl) -> str:
    """Bring the Workspace's node up; returns the name of its agent pool."""
    apply(kubectl)
    wait_for("a node", lambda: nodes_ready(kubectl), 120)
    wait_for("the create to end", lambda: None if cloud.pools_at_rest() else "running", 60)
    return pool_of(kubectl)[0]


def launched(kubectl: Kubectl, claim: str) -> str:
    """The message of a Machine's condition MachineLaunched."""
    machine = kubectl.get("machines.karpenter.sh", claim) or {}
    found = [c for c in machine["status"]["conditions"] if c["type"] == "MachineLaunched"]
    return str(found[0]["message"])


@pytest.fixture
def stubborn(clean: KaitoCluster) -> Iterator[list[Manifest]]:
    """A pod, still without a node, that its budget keeps where it is."""
    deployment = clean.kubectl.get("deployment", "data-server") or {}
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    metadata = {"name": STUBBORN, "namespace": "default", "labels": {"app": STUBBORN}}
    container = {"name": "main", "image": image, "command": ["sleep", "3600"]}
    pod = {"containers": [container], "terminationGracePeriodSeconds": 1}
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": STUBBORN}}}
    yield [
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata,
            "spec": budget,
        },
    ]
    clean.kubectl.delete("pod,pdb", STUBBORN)


def test_pool_of_two_machines_is_drained_whole_and_deleted_at_the_deadline(
    clean: KaitoCluster, stubborn: list[Manifest]
) -> None:
    kubectl = clean.kubectl
    pool = serve(kubectl)
    _, _, first = pool_of(kubectl)
    arm.scale_pool(pool, 2)

    def alone() -> str | None:
        return None if len(names := nodes_of(kubectl, pool)) == 2 else f"nodes: {names}"

    wait_for("the second machine", alone, 60)

    def unsaid() -> str | None:
        events = kubectl.items("events", "-A", "--field-selector", "reason=PoolScaled")
        notes = [e["message"] for e in events if e["involvedObject"]["name"] == pool]
        return None if notes and "to 2 machines" in launched(kubectl, pool) else f"events: {notes}"

    # While no claim waits, the pools are listed every two minutes.
    wait_for("the scaled pool to be said", unsaid, 180)
    print(launched(kubectl, pool))
    assert "Scale it back to 1" in launched(kubectl, pool)
    assert condition(kubectl, "ResourceReady")[0] == "True"

    second = next(name for name in nodes_of(kubectl, pool) if name != first)
    pod, budget = stubborn
    pod["spec"]["nodeName"] = second
    kubectl.apply(pod, budget)
    kubectl.run("wait", "pod", STUBBORN, "--for=condition=Ready", "--timeout=60s")
    deletes = cloud.calls("agentPools.delete")
    kubectl.delete("workspace", manifests.UNTUNED, wait=False)
    blocked = until_told(kubectl, "WorkspaceDeleting", "DrainBlocked", f"default/{STUBBORN}")
    assert "The drain waits for them until" in blocked
    taints = [node["spec"]["taints"] for node in kubectl.items("nodes", "-l", f"agentpool={pool}")]
    assert all("karpenter.sh/disrupted" in {t["key"] for t in each} for each in taints)
    assert cloud.calls("agentPools.delete") == deletes

    # AKS drains again, and would give up at the same budget.
    wait_for("the pool to go", lambda: ", ".join(cloud.pool_names()) or None, 180)
    wait_for("the Workspace to go", lambda: _rest(kubectl), 60)
    assert cloud.calls("agentPools.delete") == deletes + 1
    assert kubectl.get("pdb", STUBBORN) is not None


def _rest(kubectl: Kubectl) -> str | None:
    return None if kubectl.get("workspace", manifests.UNTUNED) is None else "it is there"


def blocked_collections(kubectl: Kubectl) -> float:
    """The metric of the leader."""
    name = leader_of(kubectl, "gpu-provisioner")
    pod = kubectl.get("pod", name, "-n", NAMESPACE) or {}
    url = f"http://{pod['status']['podIP']}:8080/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    metric = 'kaito_garbage_collection_blocked_total{cause="cloud"} '
    return sum(float(line.removeprefix(metric)) for line in lines if line.startswith(metric))


@pytest.fixture
def impatient(clean: KaitoCluster) -> Iterator[None]:
    """A gpu-provisioner that gives up a machine whose Node is gone after half a minute."""
    reconfigure({PATIENCE: "30"})
    yield
    reconfigure({PATIENCE: "300"})


@pytest.mark.usefixtures("impatient")
def test_pool_without_machines_is_kept_while_the_cluster_cannot_be_read(
    clean: KaitoCluster,
) -> None:
    kubectl = clean.kubectl
    pool = serve(kubectl)
    before, deletes = pool_of(kubectl), cloud.calls("agentPools.delete")
    blocked = blocked_collections(kubectl)
    cloud.set_fault("forbidden", operation="managedClusters.get")
    arm.scale_pool(pool, 0)
    scaled = f"somebody scaled agent pool {pool} to 0 machines. Scale it back to 1"
    until_told(kubectl, "ResourceReady", "False PoolScaled", scaled, seconds=60)
    # The patience begins with the first listing, within two minutes, after the scaling has ended.
    until_told(kubectl, "ResourceReady", "False PoolScaled", scaled, RIGHT, seconds=240)

    def collected() -> str | None:
        return None if blocked_collections(kubectl) > blocked else "none was blocked yet"

    wait_for("a collection to be blocked", collected, 180, pause=5)
    wait_for("the event", lambda: _uneventful(kubectl), 30)
    assert cloud.calls("agentPools.delete") == deletes

    arm.scale_pool(pool, 1)
    wait_for("the node to be back", lambda: nodes_ready(kubectl), 180)
    cloud.clear_faults()
    assert pool_of(kubectl)[:2] == before[:2]
    assert cloud.calls("agentPools.delete") == deletes


def _uneventful(kubectl: Kubectl) -> str | None:
    selector = ("--field-selector", "reason=CollectionBlocked")
    events = kubectl.items("events", "-n", NAMESPACE, *selector)
    notes = [event["message"] for event in events if RIGHT in event["message"]]
    print("\n".join(f"CollectionBlocked: {note}" for note in notes))
    return None if notes else f"{len(events)} other events"
