"""What garbage collection deletes, and what looks like an orphan and is none."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e import arm
from tests.e2e.untuned import apply, nodes_ready, pool_of
from tools.demo import cloud, manifests
from tools.demo.cluster import NAMESPACE, KaitoCluster, reconfigure
from tools.demo.kubectl import Kubectl, wait_for

pytestmark = pytest.mark.long

CRD = "nodeclaims.karpenter.sh"
GRACE = "gpu-provisioner.settings.orphanGraceSeconds"
SIZE = "Standard_NC6s_v3"
OTHERS, UNMARKED, OF_NODE_CLAIM = "wsother", "wsplain", "wsclaimed"
# Two collections two minutes apart, and the deletion.
SECONDS = 420


@pytest.fixture
def hasty(clean: KaitoCluster) -> Iterator[Kubectl]:
    """A gpu-provisioner whose grace period is short, on a cluster without the API of NodeClaims."""
    kubectl = clean.kubectl
    reconfigure({GRACE: "30"})
    serve_node_claims(kubectl, served=False)
    yield kubectl
    serve_node_claims(kubectl, served=True)
    for pool in cloud.pool_names():
        arm.delete_pool(pool)
    kubectl.delete("nodes", "-l", f"agentpool in ({OTHERS},{UNMARKED},{OF_NODE_CLAIM})")
    reconfigure({GRACE: "300"})


def serve_node_claims(kubectl: Kubectl, *, served: bool) -> None:
    operations = [{"op": "replace", "path": "/spec/versions/0/served", "value": served}]
    kubectl.run("patch", "crd", CRD, "--type=json", "-p", json.dumps(operations))


def abandon(kubectl: Kubectl) -> str:
    """Lose the claim of a machine that works, by what the documentation warns of. Returns the name
    of its pool."""
    apply(kubectl)
    wait_for("a node", lambda: nodes_ready(kubectl), 120)
    wait_for("the create to end", lambda: None if cloud.pools_at_rest() else "running", 60)
    pool = pool_of(kubectl)[0]
    kubectl.run("scale", "deployment", "kaito-gpu-provisioner", "-n", NAMESPACE, "--replicas=0")
    kubectl.run("wait", "pods", "-n", NAMESPACE, "-l", _PODS, "--for=delete", "--timeout=60s")
    kubectl.delete("workspace", manifests.UNTUNED, wait=False)
    freed = '{"metadata": {"finalizers": null}}'
    kubectl.run("patch", "machines.karpenter.sh", pool, "--type=merge", "-p", freed)
    kubectl.delete("machines.karpenter.sh", pool)
    return pool


_PODS = "app.kubernetes.io/name=gpu-provisioner"


def test_only_a_pool_whose_claim_is_surely_gone_is_deleted(hasty: Kubectl) -> None:
    kubectl = hasty
    orphan = abandon(kubectl)
    marks = arm.tags_of(orphan)
    tags = {
        OTHERS: {**marks, "kaito-cluster": "prod", "kaito-claim-uid": "somewhere-else"},
        UNMARKED: {},
        OF_NODE_CLAIM: {**marks, "kaito-claim-kind": "NodeClaim", "kaito-claim-uid": "unlisted"},
    }
    for name, own in tags.items():
        arm.create_pool(name, SIZE, {})
        wait_for(f"pool {name}", lambda: None if cloud.pools_at_rest() else "creating", 60)
        arm.replace_tags(name, own)
    kubectl.run("scale", "deployment", "kaito-gpu-provisioner", "-n", NAMESPACE, "--replicas=2")

    def kept() -> str | None:
        return None if orphan not in cloud.pool_names() else f"{cloud.pool_lines()}"

    wait_for("the orphan to be collected", kept, SECONDS, pause=5)
    assert set(cloud.pool_names()) == set(tags)

    # Its kind is listed again, and has no such claim.
    serve_node_claims(kubectl, served=True)

    def uncertain() -> str | None:
        return None if OF_NODE_CLAIM not in cloud.pool_names() else f"{cloud.pool_lines()}"

    wait_for("the pool of the NodeClaim to be collected", uncertain, SECONDS, pause=5)
    assert set(cloud.pool_names()) == {OTHERS, UNMARKED}
    assert arm.tags_of(OTHERS) == tags[OTHERS]
    assert arm.tags_of(UNMARKED) == {}
