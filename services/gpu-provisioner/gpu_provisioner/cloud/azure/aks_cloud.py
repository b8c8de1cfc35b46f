"""`CloudProvider` over azure-mgmt-containerservice. No operation is waited for: the agent
pool's own provisioningState says how far it is, so a restart loses nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from azure.core.exceptions import AzureError
from azure.identity.aio import WorkloadIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import (
    AgentPool,
    AgentPoolManagedClusterAgentPoolProfileProperties,
    GPUProfile,
    ManagedCluster,
)

from gpu_provisioner.cloud.availability import Market
from gpu_provisioner.cloud.azure.availability_provider import MarketReader
from gpu_provisioner.cloud.azure.credential import credential
from gpu_provisioner.cloud.azure.errors import translate
from gpu_provisioner.cloud.azure.pages import pages
from gpu_provisioner.cloud.azure.pool_parsing import pool
from gpu_provisioner.cloud.azure.transport import transport
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudError, PoolNotFound
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from gpu_provisioner.settings import Azure
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

# Of the listing, whose answer is read as plain JSON: what the SDK's own operations ask for.
_VERSION = "2026-08-01"
# A cluster whose last operation is over, well or not. One that is Updating has pools or settings
# changed, and its nodes stay what they are.
_AT_REST = frozenset({"Succeeded", "Failed", "Canceled", "Updating"})


class AksCloud:
    """Use it as an async context: it holds connections."""

    def __init__(self, azure: Azure, clock: Clock) -> None:
        self._where = (azure.resource_group, azure.cluster_name)
        self._pools = (
            f"/subscriptions/{azure.subscription_id}/resourceGroups/{azure.resource_group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{azure.cluster_name}/agentPools"
        )
        self._clock = clock
        self._credential: WorkloadIdentityCredential = credential(azure)
        self._client = ContainerServiceClient(
            self._credential,
            azure.subscription_id,
            base_url=azure.arm_endpoint,
            credential_scopes=[azure.arm_audience.rstrip("/") + "/.default"],
            # Whoever calls decides when to call again: the SDK would sleep here, unseen and
            # uncounted, once for each call.
            retry_total=0,
            transport=transport(azure.ca_file),
        )
        self._reader = MarketReader(self._client, azure, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()
        await self._credential.close()

    async def create(self, spec: PoolSpec) -> Pool:
        with self._distrusted(), _translated(spec.name):
            poller = await self._client.agent_pools.begin_create_or_update(
                *self._where, spec.name, _resource(spec), polling=False
            )
            return pool(await poller.result())

    async def get(self, name: str) -> Pool:
        with _translated(name):
            return pool(await self._client.agent_pools.get(*self._where, name))

    async def list(self) -> PoolListing:
        asked = self._clock.now()
        with _translated(""):
            items = pages(self._client, self._pools, {"api-version": _VERSION})
            found = [pool(item) async for item in items]
        return PoolListing(tuple(found), asked)

    async def delete(self, name: str) -> None:
        with suppress(PoolNotFound), _translated(name):
            await self._client.agent_pools.begin_delete(*self._where, name, polling=False)

    async def cluster(self) -> ClusterState:
        with _translated(""):
            return _cluster(await self._client.managed_clusters.get(*self._where))

    async def newest_image(self, name: str) -> str:
        with _translated(name):
            profile = await self._client.agent_pools.get_upgrade_profile(*self._where, name)
        return profile.latest_node_image_version or ""

    async def market(self) -> Market:
        return await self._reader.read()

    @contextmanager
    def _distrusted(self) -> Iterator[None]:
        """A refusal of what was thought to be sold makes the SKUs be listed anew."""
        try:
            yield
        except CloudError as error:
            if error.reason == Reason.SKU_NOT_AVAILABLE:
                self._reader.distrust()
            raise


def _cluster(resource: ManagedCluster) -> ClusterState:
    properties = resource.properties
    assert properties is not None
    power = properties.power_state
    return ClusterState(
        running=power is None or power.code != "Stopped",
        settled=properties.provisioning_state in _AT_REST,
        kubernetes_version=properties.current_kubernetes_version or "",
    )


@contextmanager
def _translated(pool: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        raise translate(error, pool) from error


def _resource(spec: PoolSpec) -> AgentPool:
    properties: dict[str, Any] = {
        "count": 1,
        "vm_size": spec.instance_type,
        "type_properties_type": "VirtualMachineScaleSets",
        "mode": "User",
        "os_type": "Linux",
        "os_sku": spec.os_sku,
        "os_disk_size_gb": spec.os_disk_gib,
        "node_labels": dict(spec.labels),
        "node_taints": list(spec.taints),
        "tags": dict(spec.tags),
        "availability_zones": list(spec.zones) or None,
        "os_disk_type": spec.os_disk_type or None,
        "gpu_profile": GPUProfile(driver=spec.gpu_driver) if spec.gpu_driver else None,
        "gpu_instance_profile": spec.gpu_instance_profile or None,
        "vnet_subnet_id": spec.subnet_id or None,
        "proximity_placement_group_id": spec.proximity_placement_group_id or None,
        "max_pods": spec.max_pods,
        "enable_encryption_at_host": spec.encryption_at_host or None,
        "enable_node_public_ip": False,
    }
    if spec.spot:
        properties |= {
            "scale_set_priority": "Spot",
            "scale_set_eviction_policy": "Delete",
            "spot_max_price": spec.spot_max_price,
        }
    return AgentPool(properties=AgentPoolManagedClusterAgentPoolProfileProperties(**properties))
