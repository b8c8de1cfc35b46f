"""Claims and agent pools of others: gpu-provisioner writes nothing to them."""

import json
from collections.abc import Iterator

import pytest
import yaml

from kaito_api import labels
from kaito_kube.kinds import NODE_CLAIM
from tests.e2e import arm
from tests.e2e.untuned import apply, until_told
from tests.gpu_provisioner.world import claim_manifest
from tools.demo import cloud, manifests
from tools.demo.cluster import KaitoCluster
from tools.demo.kubectl import Kubectl, Manifest, wait_for
from tools.demo.walkthrough import applied_text

KARPENTERS = "default-trouble-0123456789-x7k2p"
SIZE, OTHER_SIZE = "Standard_NC6s_v3", "Standard_NC12s_v3"
FINALIZER = "karpenter.sh/termination"


def claim_of(owner: str) -> Manifest:
    """What Karpenter makes of the NodePool of a Workspace: its labels name that."""
    node_class = {"group": "karpenter.azure.com", "kind": "AKSNodeClass", "name": "default"}
    claim = claim_manifest(NODE_CLAIM, KARPENTERS, nodeClassRef=node_class)
    claim["metadata"]["finalizers"] = [FINALIZER]
    claim["metadata"]["labels"] |= {
        labels.WORKSPACE: owner,
        labels.NODE_POOL: "default-trouble-0123456789",
    }
    return claim


def refused_claim(kubectl: Kubectl) -> None:
    """Another Workspace, whose claim Azure refuses: it needs no machine, and only its own size is
    forbidden."""
    cloud.set_fault("forbidden", operation="agentPools.put", vm_size=SIZE)
    apply(kubectl)
    until_told(kubectl, "ResourceReady", "False CloudUnauthorized", "Contributor")


@pytest.fixture
def karpenters_claim(clean: KaitoCluster) -> Iterator[Manifest]:
    """The claim of a Workspace that waits for its Secret, and so wants no other node."""
    kubectl = clean.kubectl
    waiting = yaml.safe_load(applied_text(clean.inputs))
    waiting["metadata"]["name"] = manifests.FAILING
    waiting["tuning"]["output"]["imagePushSecret"] = "no-such-secret"
    kubectl.run("create", "-f", "-", stdin=json.dumps(waiting))
    kubectl.run("create", "-f", "-", stdin=json.dumps(claim_of(manifests.FAILING)))
    yield kubectl.get("nodeclaim", KARPENTERS) or {}
    free(kubectl)


def free(kubectl: Kubectl) -> None:
    """As Karpenter does when the machine is gone."""
    if kubectl.get("nodeclaim", KARPENTERS) is not None:
        freed = '{"metadata": {"finalizers": null}}'
        kubectl.run("patch", "nodeclaim", KARPENTERS, "--type=merge", "-p", freed)


def test_karpenters_claim_is_not_written_and_keeps_its_finalizer(
    clean: KaitoCluster, karpenters_claim: Manifest
) -> None:
    kubectl = clean.kubectl
    # By the time that the claim of another Workspace has been answered, this one was seen.
    refused_claim(kubectl)
    assert kubectl.get("nodeclaim", KARPENTERS) == karpenters_claim
    kubectl.delete("workspace", manifests.FAILING, wait=False)

    def not_deleted() -> str | None:
        claim = kubectl.get("nodeclaim", KARPENTERS) or {}
        return None if "deletionTimestamp" in claim["metadata"] else "it is not being deleted"

    wait_for("the Workspace to delete its claim", not_deleted, 60)
    deleted = kubectl.get("nodeclaim", KARPENTERS) or {}
    kubectl.delete("workspace", manifests.UNTUNED)
    assert kubectl.get("nodeclaim", KARPENTERS) == deleted
    assert deleted["metadata"]["finalizers"] == [FINALIZER]
    kubectl.show("get", "nodeclaims,workspaces")
    free(kubectl)
    kubectl.run("wait", "workspace", manifests.FAILING, "--for=delete", "--timeout=60s")


@pytest.fixture
def taken_name(clean: KaitoCluster) -> Iterator[str]:
    """The name of a Workspace's claim, under which somebody else creates an agent pool."""
    kubectl = clean.kubectl
    refused_claim(kubectl)
    (claim,) = kubectl.items("machines.karpenter.sh")
    name = claim["metadata"]["name"]
    arm.create_pool(name, OTHER_SIZE, {"team": "vision"})
    wait_for("their pool", lambda: None if cloud.pools_at_rest() else "it is being created", 60)
    yield name
    arm.delete_pool(name)
    kubectl.delete("nodes", "-l", f"agentpool={name}")


def test_pool_of_somebody_else_under_a_claims_name_is_named_and_outlives_the_claim(
    clean: KaitoCluster, taken_name: str
) -> None:
    kubectl = clean.kubectl
    cloud.clear_faults()
    theirs, deletes = cloud.pool_lines(), cloud.calls("agentPools.delete")
    # Without a listing in between, the claim learns of it by a PUT that asks for there to be none.
    until_told(
        kubectl,
        "ResourceReady",
        "False LaunchFailed",
        f"the cluster has an agent pool {taken_name} that gpu-provisioner did not create",
    )
    kubectl.delete("workspace", manifests.UNTUNED)
    assert kubectl.items("machines.karpenter.sh") == []
    assert cloud.pool_names() == [taken_name] and cloud.pool_lines() == theirs
    assert cloud.calls("agentPools.delete") == deletes
