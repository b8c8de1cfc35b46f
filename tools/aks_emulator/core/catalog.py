"""The VM sizes of the emulated region: all Azure sizes that `kaito_skus` knows. Pure.

Retired sizes are included, because the documentation's manifests use them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kaito_skus import catalog
from kaito_skus.sku import Cloud, Sku, Vendor

ZONES = ("1", "2", "3")


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSize:
    """A VM size: `gpus` counts all GPUs, `nvidia` those advertised as nvidia.com/gpu."""

    name: str
    family: str
    vcpus: int
    memory_gib: float
    gpus: int = 0
    nvidia: int = 0
    zones: tuple[str, ...] = ZONES


Catalog = Mapping[str, VmSize]

CPU_SIZES = (
    VmSize(name="Standard_DS2_v2", family="standardDSv2Family", vcpus=2, memory_gib=7),
    VmSize(name="Standard_D2s_v5", family="standardDSv5Family", vcpus=2, memory_gib=8),
    VmSize(name="Standard_D4s_v5", family="standardDSv5Family", vcpus=4, memory_gib=16),
    VmSize(name="Standard_D8s_v5", family="standardDSv5Family", vcpus=8, memory_gib=32),
    VmSize(name="Standard_D16s_v5", family="standardDSv5Family", vcpus=16, memory_gib=64),
)


def sizes() -> Catalog:
    """Every VM size by its name."""
    gpu_sizes = [_size(sku) for sku in catalog.load().on(Cloud.AZURE).skus]
    return {size.name: size for size in (*CPU_SIZES, *gpu_sizes)}


def find(catalog: Catalog, name: str) -> VmSize | None:
    """Find a VM size; like Azure, ignoring case."""
    exact = catalog.get(name)
    if exact is not None:
        return exact
    return next((s for key, s in catalog.items() if key.lower() == name.lower()), None)


def _size(sku: Sku) -> VmSize:
    return VmSize(
        name=sku.name,
        family=sku.quota_family or "standardOtherFamily",
        vcpus=sku.vcpus,
        memory_gib=sku.memory_gib,
        gpus=sku.gpus.count,
        nvidia=sku.gpus.count if sku.gpus.vendor is Vendor.NVIDIA else 0,
    )
