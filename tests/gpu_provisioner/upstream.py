"""Objects as KAITO 0.12 and its own gpu-provisioner 0.4 leave them: a NodeClaim, the agent pool of
its machine and the Node, Ready for a day."""

from typing import Any

from gpu_provisioner.cloud.pools import Pool, PoolState
from kaito_kube.kinds import Manifest

NAME = "ws8f4a1c03d"
CREATED = "2025-12-31T09:15:42Z"
NODE_NAME = f"aks-{NAME}-31415926-vmss000000"
PROVIDER_ID = (
    "azure:///subscriptions/s/resourceGroups/mc_rg_aks_eastus/providers/Microsoft.Compute"
    f"/virtualMachineScaleSets/aks-{NAME}-31415926-vmss/virtualMachines/0"
)
_WORKSPACE = {
    "karpenter.sh/nodepool": "kaito",
    "kaito.sh/workspace": "workspace-phi-4",
    "kaito.sh/workspacenamespace": "default",
    "apps": "phi-4",
}
_TAINT = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}
_RESOURCES = {"cpu": "24", "memory": "220Gi", "nvidia.com/gpu": "1", "ephemeral-storage": "300Gi"}


def _condition(type_: str) -> Manifest:
    """Karpenter's core gives a condition that is True its type as the reason."""
    return {
        "type": type_,
        "status": "True",
        "reason": type_,
        "message": "",
        "lastTransitionTime": "2025-12-31T09:22:10Z",
        "observedGeneration": 1,
    }


def node_claim(**metadata: Any) -> Manifest:
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {
            "name": NAME,
            "uid": "6b0f3c55-5f0e-4f1c-9d55-0c0b6e7f1a01",
            "creationTimestamp": CREATED,
            "finalizers": ["karpenter.sh/termination"],
            "labels": {
                **_WORKSPACE,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "Standard_NC24ads_A100_v4",
                "karpenter.sh/capacity-type": "on-demand",
            },
            "annotations": {
                "karpenter.sh/do-not-disrupt": "true",
                "kaito.sh/node-image-family": "ubuntu",
            },
            **metadata,
        },
        "spec": {
            "expireAfter": "Never",
            "nodeClassRef": {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"},
            "requirements": [
                {"key": "karpenter.sh/nodepool", "operator": "In", "values": ["kaito"]},
                {
                    "key": "node.kubernetes.io/instance-type",
                    "operator": "In",
                    "values": ["Standard_NC24ads_A100_v4"],
                },
                {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                {
                    "key": "karpenter.azure.com/sku-name",
                    "operator": "In",
                    "values": ["Standard_NC24ads_A100_v4"],
                },
            ],
            "resources": {"requests": {"storage": "300Gi"}},
            "taints": [_TAINT],
        },
        "status": {
            "nodeName": NODE_NAME,
            "providerID": PROVIDER_ID,
            "imageID": "",
            "capacity": _RESOURCES,
            "allocatable": _RESOURCES,
            "conditions": [
                _condition(type_) for type_ in ("Launched", "Registered", "Initialized", "Ready")
            ],
        },
    }


def agent_pool() -> Pool:
    """Its body has the claim's labels, the kind of the machine and the time of creation, and no
    tags."""
    return Pool(
        name=NAME,
        state=PoolState.SUCCEEDED,
        instance_type="Standard_NC24ads_A100_v4",
        labels={
            **_WORKSPACE,
            "kaito.sh/machine-type": "gpu",
            "kaito.sh/creation-timestamp": "2025-12-31T09-15-42Z",
        },
        image="AKSUbuntu-2204gen2containerd-202610.12.0",
        kubernetes_version="1.33.4",
    )


def node(claim_uid: str) -> Manifest:
    """Karpenter's core gives the Node its finalizer, and the claim as its owner."""
    owner = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "name": NAME,
        "uid": claim_uid,
        "blockOwnerDeletion": True,
    }
    return {
        "metadata": {
            "name": NODE_NAME,
            "creationTimestamp": "2025-12-31T09:20:01Z",
            "finalizers": ["karpenter.sh/termination"],
            "ownerReferences": [owner],
            "labels": {
                **agent_pool().labels,
                "agentpool": NAME,
                "kubernetes.azure.com/agentpool": NAME,
                "kubernetes.azure.com/cluster": "MC_rg_aks_eastus",
                "node.kubernetes.io/instance-type": "Standard_NC24ads_A100_v4",
                "topology.kubernetes.io/region": "eastus",
                "karpenter.sh/registered": "true",
                "karpenter.sh/initialized": "true",
            },
        },
        "spec": {"providerID": PROVIDER_ID, "taints": [_TAINT]},
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "lastTransitionTime": "2025-12-31T09:21:40Z",
                }
            ],
            "capacity": _RESOURCES,
            "allocatable": _RESOURCES,
        },
    }
