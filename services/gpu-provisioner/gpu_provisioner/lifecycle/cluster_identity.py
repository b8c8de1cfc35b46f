"""Whether the AKS cluster that the settings name is the one whose Kubernetes API is used. Pure.

Nodes tell: the cloud provider writes subscription and resource group of the machine into each
Node's providerID, and no two AKS clusters share a node resource group. The API server's address
does not: pods see the one of the Service `kubernetes`.
"""

import re
from collections.abc import Iterable
from enum import StrEnum

from gpu_provisioner.cloud.cluster_state import ClusterState
from kaito_kube.kinds import Manifest

_MACHINE_GROUP = re.compile(
    r"azure:///subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.Compute/", re.I
)


class Identity(StrEnum):
    """UNKNOWN forbids nothing by itself; it proves nothing either."""

    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


class WrongCluster(Exception):
    """The settings name another AKS cluster. The message names both, and the remedy."""


def identify(state: ClusterState, nodes: Iterable[Manifest]) -> Identity:
    """Compare the cluster with the machines of the Nodes. One machine of the cluster suffices:
    others may have joined from anywhere."""
    # AKS puts no machine into the cluster's own group. One that is there was joined by hand.
    found = machine_groups(nodes) - {_own_group(state)}
    if not state.node_group or not found:
        return Identity.UNKNOWN
    return Identity.SAME if state.node_group in found else Identity.OTHER


def _own_group(state: ClusterState) -> str:
    """Return `subscription/resource group` of the AKS cluster itself, not of its machines."""
    match = re.match(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/", state.resource_id, re.I)
    return "/".join(match.groups()).lower() if match is not None else ""


def machine_groups(nodes: Iterable[Manifest]) -> frozenset[str]:
    """Return `subscription/resource group` of the Nodes' machines, in lower case."""
    return frozenset(group for node in nodes if (group := machine_group(node)))


def machine_group(node: Manifest) -> str:
    """Return `subscription/resource group` of the Node's machine, empty where it does not say."""
    provider_id = (node.get("spec") or {}).get("providerID") or ""
    match = _MACHINE_GROUP.match(provider_id)
    return "/".join(match.groups()).lower() if match is not None else ""


def is_elsewhere(node: Manifest, node_group: str) -> bool:
    """Return whether the Node's machine is not one of the cluster with that node group."""
    group = machine_group(node)
    return node_group != "" and group != "" and group != node_group


def mismatch_message(state: ClusterState, nodes: Iterable[Manifest]) -> str:
    """Return why the provisioner refuses to work, with the remedy."""
    groups = ", ".join(sorted(machine_groups(nodes)))
    return (
        f"the settings name the AKS cluster {state.resource_id}, whose machines are in "
        f"{state.node_group}, and the nodes of this Kubernetes cluster are machines in {groups}: "
        "its agent pools would be created and deleted for the wrong cluster. Set "
        "azureSubscriptionId, azureResourceGroup and azureClusterName to the AKS cluster that "
        "gpu-provisioner runs in, or azureVerifyCluster=false if that is what they name"
    )
