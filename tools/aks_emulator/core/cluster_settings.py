"""The settings of the emulated cluster and its region."""

from dataclasses import dataclass

from tools.aks_emulator.core.catalog import Catalog
from tools.aks_emulator.core.resource_ids import ResourceIds


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """`catalog` is what the region offers; an operation takes at least `operation_seconds`."""

    ids: ResourceIds
    catalog: Catalog
    kubernetes_version: str
    max_pools: int
    operation_seconds: float
