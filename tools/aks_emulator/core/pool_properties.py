"""An agent pool's properties: AKS's defaults, and which of them may change. Pure."""

import uuid
from collections.abc import Mapping

from tools.aks_emulator.core.model import Json, Pool

NODE_IMAGES = {
    "Ubuntu": "AKSUbuntu-2204gen2containerd-202610.12.0",
    "Ubuntu2204": "AKSUbuntu-2204gen2containerd-202610.12.0",
    "Ubuntu2404": "AKSUbuntu-2404gen2containerd-202610.12.0",
    "AzureLinux": "AKSAzureLinux-V3gen2-202610.12.0",
    "AzureLinux3": "AKSAzureLinux-V3gen2-202610.12.0",
}

# What AKS fills in when a request leaves it out.
DEFAULTS: Json = {
    "count": 1,
    "vmSize": "Standard_DS2_v2",
    "osDiskSizeGB": 128,
    "osDiskType": "Managed",
    "kubeletDiskType": "OS",
    "workloadRuntime": "OCIContainer",
    "maxPods": 250,
    "type": "VirtualMachineScaleSets",
    "enableAutoScaling": False,
    "scaleDownMode": "Delete",
    "enableNodePublicIP": False,
    "mode": "User",
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
    "osType": "Linux",
    "osSKU": "Ubuntu",
    "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
    "enableFIPS": False,
    "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
}

SPOT_DEFAULTS: Json = {"scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1.0}

# A change of one of these is rejected with PropertyChangeNotAllowed.
IMMUTABLE = frozenset(
    """availabilityZones enableFIPS gpuInstanceProfile kubeletDiskType maxPods osDiskSizeGB
    osDiskType osType proximityPlacementGroupID scaleSetEvictionPolicy scaleSetPriority
    spotMaxPrice type vmSize vnetSubnetID""".split()
)

# Set by AKS; clients may send them back unchanged, and they are ignored.
READ_ONLY = frozenset(
    "eTag provisioningState currentOrchestratorVersion nodeImageVersion powerState status".split()
)


def with_defaults(requested: Mapping[str, object], version: str) -> Json:
    """The properties of a new pool; `version` is the cluster's Kubernetes version."""
    properties = {k: v for k, v in requested.items() if v is not None and k not in READ_ONLY}
    # AKS takes 0 for the default size.
    if properties.get("osDiskSizeGB") == 0:
        del properties["osDiskSizeGB"]
    spot = SPOT_DEFAULTS if properties.get("scaleSetPriority") == "Spot" else {}
    return {**DEFAULTS, "orchestratorVersion": version, **spot, **properties}


def updated(old: Json, requested: Mapping[str, object]) -> Json:
    """The properties after an update. Maps and lists are replaced, not merged."""
    return {**old, **{k: v for k, v in requested.items() if v is not None and k not in READ_ONLY}}


def forbidden_change(old: Json, requested: Mapping[str, object]) -> str | None:
    """The first property that AKS does not allow to change."""
    for name in sorted(IMMUTABLE & requested.keys()):
        value = requested[name]
        unchanged = value is None or value == old.get(name)
        if not unchanged and not (name == "osDiskSizeGB" and value == 0):
            return f"properties.{name}"
    return None


def etag(pool: Pool) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{pool.name}/{pool.created_at}/{pool.revision}"))


def node_image(properties: Mapping[str, object]) -> str:
    return NODE_IMAGES.get(str(properties.get("osSKU")), NODE_IMAGES["Ubuntu"])
