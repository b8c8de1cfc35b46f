"""Azure as somebody else uses it: the emulator through the SDK, as the portal or `az` would be."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from azure.identity import ClientSecretCredential
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.containerservice.models import (
    AgentPool,
    AgentPoolManagedClusterAgentPoolProfileProperties,
)

from tools.demo import release
from tools.local_cluster.paths import Paths

_CLUSTER = (release.AZURE["azureResourceGroup"], release.AZURE["azureClusterName"])


@contextmanager
def _client() -> Iterator[ContainerServiceClient]:
    azure, ca = release.AZURE, str(Paths.from_env(os.environ).home / "aks" / "ca.pem")
    with (
        ClientSecretCredential(
            azure["azureTenantId"],
            azure["azureClientId"],
            "any",
            authority=release.ARM,
            disable_instance_discovery=True,
            connection_verify=ca,
        ) as credential,
        ContainerServiceClient(
            credential,
            azure["azureSubscriptionId"],
            base_url=release.ARM,
            credential_scopes=[f"{release.ARM}/.default"],
            connection_verify=ca,
        ) as client,
    ):
        yield client


def create_pool(name: str, size: str, labels: Mapping[str, str]) -> None:
    """With the properties that KAITO's gpu-provisioner sets, among them no tag."""
    properties = AgentPoolManagedClusterAgentPoolProfileProperties(
        type_properties_type="VirtualMachineScaleSets",
        os_type="Linux",
        os_sku="Ubuntu",
        vm_size=size,
        count=1,
        os_disk_size_gb=300,
        node_taints=["sku=gpu:NoSchedule"],
        node_labels=dict(labels),
    )
    with _client() as client:
        pool = AgentPool(properties=properties)
        client.agent_pools.begin_create_or_update(*_CLUSTER, name, pool)


def delete_pool(name: str) -> None:
    with _client() as client:
        client.agent_pools.begin_delete(*_CLUSTER, name).result()


def scale_pool(name: str, count: int) -> None:
    """As `az aks nodepool scale`."""
    with _client() as client:
        pool = client.agent_pools.get(*_CLUSTER, name)
        assert pool.properties is not None
        pool.properties.count = count
        client.agent_pools.begin_create_or_update(*_CLUSTER, name, pool).result()


def replace_tags(name: str, tags: Mapping[str, str]) -> None:
    """As `az aks nodepool update --tags`, which removes all other tags."""
    with _client() as client:
        pool = client.agent_pools.get(*_CLUSTER, name)
        assert pool.properties is not None
        pool.properties.tags = dict(tags)
        client.agent_pools.begin_create_or_update(*_CLUSTER, name, pool).result()


def tags_of(name: str) -> dict[str, str]:
    with _client() as client:
        pool = client.agent_pools.get(*_CLUSTER, name)
        assert pool.properties is not None
        return dict(pool.properties.tags or {})
