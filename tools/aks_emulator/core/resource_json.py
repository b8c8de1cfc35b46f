"""Clusters and agent pools as the JSON that Resource Manager returns. Pure."""

from tools.aks_emulator.core.model import Json, Pool, PoolState, State
from tools.aks_emulator.core.pool_properties import etag, node_image
from tools.aks_emulator.core.resource_ids import ResourceIds


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
    """AKS stores the last operation's error in the pool, so clients need not poll the operation."""
    operation = state.operations.get(pool.operation or "")
    if pool.state is not PoolState.FAILED or operation is None or operation.verdict is None:
        return {}
    return {"status": {"provisioningError": operation.verdict.json()}}


def pool_json(pool: Pool, state: State, ids: ResourceIds) -> Json:
    return {
        "id": ids.pool_id(pool.name),
        "name": pool.name,
        "type": "Microsoft.ContainerService/managedClusters/agentPools",
        "properties": pool_properties(pool, state),
    }


def upgrade_profile_json(pool: Pool, ids: ResourceIds) -> Json:
    return {
        "id": f"{ids.pool_id(pool.name)}/upgradeProfiles/default",
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles",
        "properties": {
            "kubernetesVersion": pool.properties["orchestratorVersion"],
            "osType": pool.properties["osType"],
            "latestNodeImageVersion": node_image(pool.properties),
            "upgrades": [],
        },
    }


def cluster_json(state: State, ids: ResourceIds, version: str, issuer: str) -> Json:
    cluster = state.cluster
    profiles = [{"name": p.name, **pool_properties(p, state)} for p in state.pools.values()]
    return {
        "id": ids.cluster_id,
        "name": ids.cluster,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "location": ids.location,
        "tags": {},
        "sku": {"name": "Base", "tier": "Standard"},
        "identity": {"type": "SystemAssigned", "tenantId": ids.tenant},
        "properties": {
            "provisioningState": cluster.state.value,
            "powerState": {"code": cluster.power.value},
            "kubernetesVersion": version,
            "currentKubernetesVersion": version,
            "dnsPrefix": ids.cluster,
            "nodeResourceGroup": ids.node_resource_group,
            "agentPoolProfiles": profiles,
            "enableRBAC": True,
            "maxAgentPools": 100,
            "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay"},
            "oidcIssuerProfile": {"enabled": True, "issuerURL": issuer},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
        },
    }
