"""Which machine sizes the emulated region sells: all of Azure's that `kaito_skus` knows. Pure.

Retired sizes are sold too: manifests of the documentation name them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kaito_skus import catalog
from kaito_skus.sku import Cloud, Sku, Vendor

ZONES = ("1", "2", "3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`gpus` counts all GPUs, `nvidia` those that a node advertises as nvidia.com/gpu."""

    name: str
    family: str
    vcpus: int
    memory_gib: float
    gpus: int = 0
    nvidia: int = 0
    zones: tuple[str, ...] = ZONES


Catalog = Mapping[str, Size]

PLAIN_SIZES = (
    Size(name="Standard_DS2_v2", family="standardDSv2Family", vcpus=2, memory_gib=7),
    Size(name="Standard_D2s_v5", family="standardDSv5Family", vcpus=2, memory_gib=8),
    Size(name="Standard_D4s_v5", family="standardDSv5Family", vcpus=4, memory_gib=16),
    Size(name="Standard_D8s_v5", family="standardDSv5Family", vcpus=8, memory_gib=32),
    Size(name="Standard_D16s_v5", family="standardDSv5Family", vcpus=16, memory_gib=64),
)


def sizes() -> Catalog:
    """Every size by its name."""
    gpu_sizes = [_size(sku) for sku in catalog.load().on(Cloud.AZURE).skus]
    return {size.name: size for size in (*PLAIN_SIZES, *gpu_sizes)}


def find(catalog: Catalog, name: str) -> Size | None:
    """Azure compares the names of sizes without regard to case."""
    exact = catalog.get(name)
    if exact is not None:
        return exact
    return next((s for key, s in catalog.items() if key.lower() == name.lower()), None)


def _size(sku: Sku) -> Size:
    return Size(
        name=sku.name,
        family=sku.quota_family or "standardOtherFamily",
        vcpus=sku.vcpus,
        memory_gib=sku.memory_gib,
        gpus=sku.gpus.count,
        nvidia=sku.gpus.count if sku.gpus.vendor is Vendor.NVIDIA else 0,
    )
