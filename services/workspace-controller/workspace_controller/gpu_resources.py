"""The GPUs that a node advertises: extended resources of the vendors' device plugins."""

from collections.abc import Iterable, Mapping

from kaito_api import labels
from kaito_api.quantity import parse as parse_quantity
from kaito_kube.kinds import Manifest
from kaito_skus.sku import Vendor

RESOURCES: Mapping[Vendor, str] = {
    Vendor.NVIDIA: labels.GPU_RESOURCE,
    Vendor.AMD: "amd.com/gpu",
    Vendor.NEURON: "aws.amazon.com/neuron",
}
# Of NVIDIA's plugin with the MIG strategy "mixed": one resource for each profile.
_MIG_PREFIX = "nvidia.com/mig-"


def allocatable_gpus(node: Manifest) -> dict[str, int]:
    """The number of GPUs, or of MIG slices, by resource; empty for a node without any."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    known = frozenset(RESOURCES.values())
    counts = {
        name: _count(quantity)
        for name, quantity in allocatable.items()
        if name in known or name.startswith(_MIG_PREFIX)
    }
    return {name: count for name, count in sorted(counts.items()) if count > 0}


def fewest_gpus(nodes: Iterable[Manifest]) -> dict[str, int]:
    """Those of the node with the fewest, of the nodes that have any."""
    found = [gpus for node in nodes if (gpus := allocatable_gpus(node))]
    return min(found, key=lambda gpus: (sum(gpus.values()), sorted(gpus)), default={})


def _count(quantity: str | int | float) -> int:
    try:
        return int(parse_quantity(quantity))
    except ValueError:
        return 0
