"""An agent pool as AKS shows it: what it fills in, what may not change, and the JSON. Pure."""

import uuid
from collections.abc import Mapping

from tools.aks_emulator.core.model import Json, Pool, PoolState, State
from tools.aks_emulator.core.place import Place

NODE_IMAGES = {
    "Ubuntu": "AKSUbuntu-2204gen2containerd-202610.12.0",
    "Ubuntu2204": "AKSUbuntu-2204gen2containerd-202610.12.0",
    "Ubuntu2404": "AKSUbuntu-2404gen2containerd-202610.12.0",
    "AzureLinux": "AKSAzureLinux-V3gen2-202610.12.0",
    "AzureLinux3": "AKSAzureLinux-V3gen2-202610.12.0",
}

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

FIXED = frozenset(
    """availabilityZones enableFIPS gpuInstanceProfile kubeletDiskType maxPods osDiskSizeGB
    osDiskType osType proximityPlacementGroupID scaleSetEvictionPolicy scaleSetPriority
    spotMaxPrice type vmSize vnetSubnetID""".split()
)

DERIVED = frozenset(
    "eTag provisioningState currentOrchestratorVersion nodeImageVersion powerState status".split()
)


def with_defaults(asked: Mapping[str, object], version: str) -> Json:
    """The properties of a new pool; `version` is the cluster's Kubernetes version."""
    given = {k: v for k, v in asked.items() if v is not None and k not in DERIVED}
    if given.get("osDiskSizeGB") == 0:
        del given["osDiskSizeGB"]
    spot = SPOT_DEFAULTS if given.get("scaleSetPriority") == "Spot" else {}
    return {**DEFAULTS, "orchestratorVersion": version, **spot, **given}


def updated(old: Json, asked: Mapping[str, object]) -> Json:
    """The properties after an update. A map or list that is given replaces the old one."""
    return {**old, **{k: v for k, v in asked.items() if v is not None and k not in DERIVED}}


def forbidden_change(old: Json, asked: Mapping[str, object]) -> str | None:
    """The first property whose change AKS refuses."""
    for name in sorted(FIXED & asked.keys()):
        value = asked[name]
        unchanged = value is None or value == old.get(name)
        if not unchanged and not (name == "osDiskSizeGB" and value == 0):
            return f"properties.{name}"
    return None


def etag(pool: Pool) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{pool.name}/{pool.created_at}/{pool.revision}"))


def node_image(properties: Mapping[str, object]) -> str:
    return NODE_IMAGES.get(str(properties.get("osSKU")), NODE_IMAGES["Ubuntu"])


def pool_properties(pool: Pool, state: State) -> Json:
    version = pool.properties["orchestratorVersion"]
    return {
        **pool.properties,
        "eTag": etag(pool),
        "provisioningState": pool.state.value,
        "powerState": {"code": state.cluster.power.value},
        "currentOrchestratorVersion": version,
        "nodeImageVersion": node_image(pool.properties),
        **_provisioning_error(pool, state),
    }


def _provisioning_error(pool: Pool, state: State) -> Json:
    """AKS keeps why the last operation failed with the pool, so that nobody has to poll it."""
    operation = state.operations.get(pool.operation or "")
    if pool.state is not PoolState.FAILED or operation is None or operation.verdict is None:
        return {}
    verdict = operation.verdict
    return {"status": {"provisioningError": {"code": verdict.code, "message": verdict.message}}}


def pool_json(pool: Pool, state: State, place: Place) -> Json:
    return {
        "id": place.pool_id(pool.name),
        "name": pool.name,
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": pool_properties(pool, state),
    }


def upgrade_profile_json(pool: Pool, place: Place) -> Json:
    return {
        "id": f"{place.pool_id(pool.name)}/upgradeProfiles/default",
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles",
        "properties": {
            "kubernetesVersion": pool.properties["orchestratorVersion"],
            "osType": pool.properties["osType"],
            "latestNodeImageVersion": node_image(pool.properties),
            "upgrades": [],
        },
    }


def cluster_json(state: State, place: Place, version: str, issuer: str) -> Json:
    cluster = state.cluster
    profiles = [{"name": p.name, **pool_properties(p, state)} for p in state.pools.values()]
    return {
        "id": place.cluster_id,
        "name": place.cluster,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "location": place.location,
        "tags": {},
        "sku": {"name": "Base", "tier": "Standard"},
        "identity": {"type": "SystemAssigned", "tenantId": place.tenant},
        "properties": {
            "provisioningState": cluster.state.value,
            "powerState": {"code": cluster.power.value},
            "kubernetesVersion": version,
            "currentKubernetesVersion": version,
            "dnsPrefix": place.cluster,
            "nodeResourceGroup": place.node_resource_group,
            "agentPoolProfiles": profiles,
            "enableRBAC": True,
            "maxAgentPools": 100,
            "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay"},
            "oidcIssuerProfile": {"enabled": True, "issuerURL": issuer},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
        },
    }
