"""The Node of a pool's machine: AKS's name, provider ID, labels and taints. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.aks_emulator.core.availability import is_spot
from tools.aks_emulator.core.catalog import Catalog, find
from tools.aks_emulator.core.model import Pool
from tools.aks_emulator.core.pool_properties import node_image
from tools.aks_emulator.core.resource_ids import ResourceIds

AZURE = "kubernetes.azure.com"


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`gpus` is its capacity of nvidia.com/gpu."""

    name: str
    provider_id: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    gpus: int


def node(pool: Pool, index: int, ids: ResourceIds, catalog: Catalog) -> Node:
    size = find(catalog, pool.vm_size)
    gpus = size.nvidia if size is not None else 0
    return Node(
        name=ids.node_name(pool.name, index),
        provider_id=ids.provider_id(pool.name, index),
        labels={
            **_identity(pool, ids),
            **_place(pool, index, ids),
            **_storage(pool),
            **(_GPU if gpus else {}),
            **(_SPOT if is_spot(pool) else {}),
            **pool.properties.get("nodeLabels", {}),
        },
        taints=tuple(_taints(pool)),
        gpus=gpus,
    )


_GPU = {"accelerator": "nvidia", f"{AZURE}/accelerator": "nvidia"}
_SPOT = {f"{AZURE}/scalesetpriority": "spot"}


def _identity(pool: Pool, ids: ResourceIds) -> dict[str, str]:
    return {
        "agentpool": pool.name,
        f"{AZURE}/agentpool": pool.name,
        f"{AZURE}/cluster": ids.node_resource_group,
        f"{AZURE}/mode": str(pool.properties["mode"]).lower(),
        f"{AZURE}/role": "agent",
        f"{AZURE}/nodepool-type": str(pool.properties["type"]),
        f"{AZURE}/node-image-version": node_image(pool.properties),
        f"{AZURE}/os-sku": str(pool.properties["osSKU"]),
        f"{AZURE}/kubelet-serving-ca": "cluster",
        # AKS still sets the deprecated labels, and so do these nodes.
        "kubernetes.io/role": "agent",
        "node-role.kubernetes.io/agent": "",
        "node.kubernetes.io/instance-type": pool.vm_size,
        "beta.kubernetes.io/instance-type": pool.vm_size,
    }


def _place(pool: Pool, index: int, ids: ResourceIds) -> dict[str, str]:
    """A node outside any zone has its fault domain, 0, as its zone."""
    zones = pool.properties.get("availabilityZones") or []
    zone = f"{ids.location}-{zones[index % len(zones)]}" if zones else "0"
    return {
        "topology.kubernetes.io/region": ids.location,
        "topology.kubernetes.io/zone": zone,
        "failure-domain.beta.kubernetes.io/region": ids.location,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "topology.disk.csi.azure.com/zone": zone if zones else "",
    }


def _storage(pool: Pool) -> dict[str, str]:
    profile = str(pool.properties["osDiskType"]).lower()
    labels = {"storageprofile": profile, f"{AZURE}/storageprofile": profile}
    if profile == "managed":
        labels |= {"storagetier": "Premium_LRS", f"{AZURE}/storagetier": "Premium_LRS"}
    return labels


def _taints(pool: Pool) -> list[Taint]:
    taints = [_taint(text) for text in pool.properties.get("nodeTaints") or []]
    if is_spot(pool):
        spot = Taint(f"{AZURE}/scalesetpriority", "spot", "NoSchedule")
        return [*(t for t in taints if t != spot), spot]
    return taints


def _taint(text: str) -> Taint:
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    return Taint(key, value, effect)
