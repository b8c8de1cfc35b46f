"""The bodies of requests that create or change an agent pool, as the SDK's models. Pure."""

from typing import Any

from azure.mgmt.containerservice.models import (
    AgentPool,
    AgentPoolManagedClusterAgentPoolProfileProperties,
    GPUProfile,
)

from gpu_provisioner.cloud.pool_marks import Marks, with_tags
from gpu_provisioner.cloud.pools import PoolSpec


def mark(resource: AgentPool, marks: Marks) -> None:
    """Add tags and node labels to a pool that was read. The SDK leaves out what is read-only."""
    properties = resource.properties
    assert properties is not None
    properties.tags = with_tags(properties.tags or {}, marks.tags)
    properties.node_labels = {**(properties.node_labels or {}), **marks.labels}


def new_pool(spec: PoolSpec) -> AgentPool:
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
