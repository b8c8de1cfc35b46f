"""Names and resource ids in the emulated subscription, cluster and region. Pure."""

import hashlib
from dataclasses import dataclass
from functools import cache

PROVIDER = "Microsoft.ContainerService"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceIds:
    tenant: str = "00000000-0000-0000-0000-00000000000a"
    subscription: str = "00000000-0000-0000-0000-000000000001"
    resource_group: str = "kaito-rg"
    cluster: str = "kaito-local"
    location: str = "eastus"

    @property
    def subscription_id(self) -> str:
        return f"/subscriptions/{self.subscription}"

    @property
    def cluster_id(self) -> str:
        group = f"{self.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/{PROVIDER}/managedClusters/{self.cluster}"

    def pool_id(self, pool: str) -> str:
        return f"{self.cluster_id}/agentPools/{pool}"

    @property
    def node_resource_group(self) -> str:
        return f"MC_{self.resource_group}_{self.cluster}_{self.location}"

    @property
    def suffix(self) -> str:
        """The eight digits that AKS puts in the names of a cluster's scale sets."""
        return _digits(self.cluster_id.lower())

    def scale_set(self, pool: str) -> str:
        return f"aks-{pool}-{self.suffix}-vmss"

    def node_name(self, pool: str, index: int) -> str:
        return f"{self.scale_set(pool)}{_base36(index):0>6}"

    def provider_id(self, pool: str, index: int) -> str:
        """The provider ID as Azure's cloud provider writes it: with a lowercase resource group."""
        group = self.node_resource_group.lower()
        return (
            f"azure:///subscriptions/{self.subscription}/resourceGroups/{group}/providers"
            f"/Microsoft.Compute/virtualMachineScaleSets/{self.scale_set(pool)}"
            f"/virtualMachines/{index}"
        )

    def operation_path(self, operation: str, kind: str) -> str:
        """`kind` is `operations` (the status resource) or `operationresults` (the Location)."""
        base = f"{self.subscription_id}/providers/{PROVIDER}/locations/{self.location}"
        return f"{base}/{kind}/{operation}"


@cache
def _digits(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"{int.from_bytes(digest[:6], 'big') % 10**8:08d}"


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while True:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
        if not number:
            return text
