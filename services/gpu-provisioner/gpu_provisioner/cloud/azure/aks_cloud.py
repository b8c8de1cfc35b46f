"""`CloudProvider` over azure-mgmt-containerservice. Nothing waits for an operation to finish: the
agent pool's provisioningState reports the progress, so a restart loses nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.identity.aio import WorkloadIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import ManagedCluster

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.azure.availability_provider import AvailabilityProvider
from gpu_provisioner.cloud.azure.credential import credential
from gpu_provisioner.cloud.azure.errors import translate
from gpu_provisioner.cloud.azure.pages import pages
from gpu_provisioner.cloud.azure.pool_body import mark, new_pool
from gpu_provisioner.cloud.azure.pool_parsing import pool
from gpu_provisioner.cloud.azure.transport import transport
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudError, PoolExists, PoolNotFound
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from gpu_provisioner.settings import Azure
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

# The listing is read as plain JSON, with the API version that the SDK's own operations use.
_API_VERSION = "2026-08-01"
# Updating is here because it changes pools or settings and leaves the existing nodes alone.
_SETTLED_STATES = frozenset({"Succeeded", "Failed", "Canceled", "Updating"})


class AksCloud:
    """An async context manager, because it holds connections."""

    def __init__(self, azure: Azure, clock: Clock) -> None:
        self._cluster_id = (azure.resource_group, azure.cluster_name)
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
            # Callers decide when to retry. The SDK would sleep and retry inside each call, which
            # the pacing could neither see nor count.
            retry_total=0,
            transport=transport(azure.ca_file),
        )
        self._availability = AvailabilityProvider(self._client, azure, clock)

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
        with self._expiring_refused_skus(), _translated(spec.name), _exists_on_412(spec.name):
            poller = await self._client.agent_pools.begin_create_or_update(
                *self._cluster_id,
                spec.name,
                new_pool(spec),
                # A PUT would otherwise take over a pool that somebody made under this name.
                match_condition=MatchConditions.IfMissing,
                polling=False,
            )
            return pool(await poller.result())

    async def add_marks(self, known: Pool, marks: Marks) -> Pool:
        with _translated(known.name):
            # There is no PATCH for agent pools. This is what `az aks nodepool update` does.
            resource = await self._client.agent_pools.get(*self._cluster_id, known.name)
            mark(resource, marks)
            poller = await self._client.agent_pools.begin_create_or_update(
                *self._cluster_id,
                known.name,
                resource,
                etag=known.etag,
                match_condition=MatchConditions.IfNotModified,
                polling=False,
            )
            return pool(await poller.result())

    async def get(self, name: str) -> Pool:
        with _translated(name):
            return pool(await self._client.agent_pools.get(*self._cluster_id, name))

    async def list(self) -> PoolListing:
        requested_at = self._clock.now()
        with _translated(""):
            items = pages(self._client, self._pools, {"api-version": _API_VERSION})
            listed = [pool(item) async for item in items]
        return PoolListing(tuple(listed), requested_at)

    async def delete(self, name: str, *, ignore_budgets: bool = False, etag: str = "") -> None:
        with suppress(PoolNotFound), _translated(name):
            await self._client.agent_pools.begin_delete(
                *self._cluster_id,
                name,
                ignore_pod_disruption_budget=ignore_budgets or None,
                etag=etag or None,
                match_condition=MatchConditions.IfNotModified if etag else None,
                polling=False,
            )

    async def cluster(self) -> ClusterState:
        with _translated(""):
            return _cluster(await self._client.managed_clusters.get(*self._cluster_id))

    async def newest_image(self, name: str) -> str:
        with _translated(name):
            profile = await self._client.agent_pools.get_upgrade_profile(*self._cluster_id, name)
        return profile.latest_node_image_version or ""

    async def availability(self) -> Availability:
        return await self._availability.read()

    @contextmanager
    def _expiring_refused_skus(self) -> Iterator[None]:
        """List the SKUs again after AKS refuses one that they show as available."""
        try:
            yield
        except CloudError as error:
            if error.reason == Reason.SKU_NOT_AVAILABLE:
                self._availability.expire_skus()
            raise


def _cluster(resource: ManagedCluster) -> ClusterState:
    properties = resource.properties
    assert properties is not None
    power = properties.power_state
    return ClusterState(
        running=power is None or power.code != "Stopped",
        settled=properties.provisioning_state in _SETTLED_STATES,
        kubernetes_version=properties.current_kubernetes_version or "",
        resource_id=resource.id or "",
        node_group=_node_group(resource.id or "", properties.node_resource_group or ""),
    )


def _node_group(resource_id: str, node_resource_group: str) -> str:
    """Return `subscription/resource group` of the cluster's machines."""
    parts = resource_id.split("/")
    is_complete = len(parts) > 2 and node_resource_group != ""
    return f"{parts[2]}/{node_resource_group}".lower() if is_complete else ""


@contextmanager
def _translated(pool: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        raise translate(error, pool) from error


@contextmanager
def _exists_on_412(pool: str) -> Iterator[None]:
    try:
        yield
    except HttpResponseError as error:
        if error.status_code == 412:
            raise PoolExists(pool) from error
        raise
