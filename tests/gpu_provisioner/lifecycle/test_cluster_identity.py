"""Whether the AKS cluster of the settings is the one whose nodes are seen."""

import pytest

from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.lifecycle.cluster_identity import Identity, identify, mismatch_message
from kaito_kube.kinds import Manifest

STATE = ClusterState(
    running=True,
    settled=True,
    kubernetes_version="1.33.4",
    resource_id="/subscriptions/S1/resourceGroups/RG/providers/Microsoft.ContainerService/"
    "managedClusters/prod",
    node_group="s1/mc_rg_prod_eastus",
)
UNREADABLE = ClusterState(running=True, settled=True, kubernetes_version="")


def node(group: str, subscription: str = "s1") -> Manifest:
    path = f"/subscriptions/{subscription}/resourceGroups/{group}/providers"
    scale_set = "Microsoft.Compute/virtualMachineScaleSets/aks-a-1-vmss/virtualMachines/0"
    return {"spec": {"providerID": f"azure://{path}/{scale_set}"}}


OURS, THEIRS = node("MC_rg_prod_eastus"), node("mc_rg_staging_eastus")


@pytest.mark.parametrize(
    ("state", "nodes", "identity"),
    [
        (STATE, [OURS], Identity.SAME),
        (STATE, [THEIRS, OURS], Identity.SAME),
        (STATE, [THEIRS], Identity.OTHER),
        (STATE, [node("mc_rg_prod_eastus", "s2")], Identity.OTHER),
        (STATE, [], Identity.UNKNOWN),
        (STATE, [{"spec": {"providerID": "aws:///us-east-1a/i-0"}}, {}], Identity.UNKNOWN),
        (STATE, [node("RG")], Identity.UNKNOWN),
        (UNREADABLE, [THEIRS], Identity.UNKNOWN),
    ],
    ids=[
        "a machine of the cluster, in another case",
        "a machine of the cluster among others",
        "machines of another cluster only",
        "the same group in another subscription",
        "no nodes",
        "nodes that say nothing",
        "a machine beside the cluster",
        "a cluster that says nothing",
    ],
)
def test_cluster_is_compared_with_the_machines_of_the_nodes(
    state: ClusterState, nodes: list[Manifest], identity: Identity
) -> None:
    assert identify(state, nodes) is identity


def test_message_names_both_clusters_and_the_remedy() -> None:
    message = mismatch_message(STATE, [THEIRS])
    assert "/managedClusters/prod, whose machines are in s1/mc_rg_prod_eastus" in message
    assert "are machines in s1/mc_rg_staging_eastus" in message
    assert "Set azureSubscriptionId, azureResourceGroup and azureClusterName" in message
