"""What is available in the region: quota, usage and restrictions of VM sizes. Pure.

Standing faults are included: whatever a create would be rejected for, a listing shows as well.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tools.aks_emulator.core import faults as fault_book
from tools.aks_emulator.core.capacity_errors import (
    no_family_quota,
    no_regional_quota,
    size_not_allowed,
    zone_not_supported,
)
from tools.aks_emulator.core.catalog import Catalog, VmSize, find
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.faults import FaultKind, Faults
from tools.aks_emulator.core.model import Json, Pool, PoolState, State

REGIONAL = "cores"
SPOT = "lowPriorityCores"
# High enough that quota only matters when a test sets it.
DEFAULT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Usage:
    """One quota, in vCPUs."""

    name: str
    label: str
    used: int
    limit: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRequest:
    """The machines that a create or a scale-up adds: `nodes` machines of one VM size."""

    pool: str
    size: VmSize
    nodes: int
    spot: bool
    zones: tuple[str, ...]

    @property
    def vcpus(self) -> int:
        return self.nodes * self.size.vcpus


def usages(state: State, catalog: Catalog, faults: Faults) -> list[Usage]:
    """The quotas as a subscription lists them: regional ones first, then every VM family."""
    used = _used(state, catalog)
    families = sorted({size.family for size in catalog.values()})
    labels = {REGIONAL: "Total Regional vCPUs", SPOT: "Total Regional Low-priority vCPUs"}
    labels.update({family: _family_label(family) for family in families})
    exhausted = _exhausted(catalog, faults)
    limits = {**dict.fromkeys(labels, DEFAULT_LIMIT), **state.limits}
    limits |= {name: used[name] for name in exhausted}
    return [Usage(name, label, used[name], limits[name]) for name, label in labels.items()]


def check_capacity(
    capacity: CapacityRequest,
    state: State,
    catalog: Catalog,
    active_faults: Mapping[FaultKind, bool],
    location: str,
) -> ArmError | None:
    """The error for a request that cannot be met, considering the standing faults that match it."""
    if active_faults.get(FaultKind.SKU_NOT_AVAILABLE):
        others = [name for name in catalog if name != capacity.size.name]
        return size_not_allowed(capacity.size.name, location, others)
    missing = next((zone for zone in capacity.zones if zone not in capacity.size.zones), None)
    if missing is not None or (active_faults.get(FaultKind.ZONE_RESTRICTED) and capacity.zones):
        zone = missing or capacity.zones[0]
        supported = tuple(z for z in capacity.size.zones if z != zone)
        return zone_not_supported(capacity.size.name, zone, location, supported)
    return _check_quota(capacity, state, catalog, active_faults, location)


def _check_quota(
    capacity: CapacityRequest,
    state: State,
    catalog: Catalog,
    active_faults: Mapping[FaultKind, bool],
    location: str,
) -> ArmError | None:
    lines = {usage.name: usage for usage in usages(state, catalog, ())}
    regional = lines[SPOT if capacity.spot else REGIONAL]
    family = lines[capacity.size.family]
    # Spot machines count against their own regional quota and not against their family's.
    if not capacity.spot:
        remaining = 0 if active_faults.get(FaultKind.NO_FAMILY_QUOTA) else family.remaining
        if remaining < capacity.vcpus:
            return no_family_quota(
                family=family.name, location=location, requested=capacity.vcpus, remaining=remaining
            )
    remaining = 0 if active_faults.get(FaultKind.NO_REGIONAL_QUOTA) else regional.remaining
    if remaining < capacity.vcpus:
        return no_regional_quota(location=location, requested=capacity.vcpus, remaining=remaining)
    return None


def usage_json(usage: Usage) -> Json:
    return {
        "unit": "Count",
        "currentValue": usage.used,
        "limit": usage.limit,
        "name": {"value": usage.name, "localizedValue": usage.label},
    }


def sku_json(size: VmSize, location: str, faults: Faults) -> Json:
    capabilities = {
        "vCPUs": str(size.vcpus),
        "MemoryGB": f"{size.memory_gib:g}",
        "CpuArchitectureType": "x64",
        "HyperVGenerations": "V1,V2",
        "PremiumIO": "True",
        "LowPriorityCapable": "True",
        "OSVhdSizeMB": "1047552",
        **({"GPUs": str(size.gpus)} if size.gpus else {}),
    }
    return {
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": size.name.removeprefix("Standard_"),
        "family": size.family,
        "locations": [location],
        "locationInfo": [{"location": location, "zones": list(size.zones), "zoneDetails": []}],
        "capabilities": [{"name": k, "value": v} for k, v in capabilities.items()],
        "restrictions": _restrictions(size, location, faults),
    }


def _restrictions(size: VmSize, location: str, faults: Faults) -> list[Json]:
    found: list[Json] = []
    if fault_book.shown(faults, FaultKind.SKU_NOT_AVAILABLE, size.name):
        info: Json = {"locations": [location]}
        found.append(_restriction("Location", location, info))
    zonal = fault_book.shown(faults, FaultKind.ZONE_RESTRICTED, size.name)
    if zonal is not None:
        zones = [zone for zone in size.zones if zonal.zone in ("*", zone)]
        found.append(_restriction("Zone", location, {"locations": [location], "zones": zones}))
    return found


def _restriction(kind: str, location: str, info: Json) -> Json:
    return {
        "type": kind,
        "values": [location],
        "restrictionInfo": info,
        "reasonCode": "NotAvailableForSubscription",
    }


def _used(state: State, catalog: Catalog) -> Counter[str]:
    used: Counter[str] = Counter()
    for pool in state.pools.values():
        size = find(catalog, pool.vm_size)
        if size is None or not _holds_machines(pool):
            continue
        vcpus = pool.count * size.vcpus
        for name in (SPOT,) if is_spot(pool) else (REGIONAL, size.family):
            used[name] += vcpus
    return used


def is_spot(pool: Pool) -> bool:
    return pool.properties.get("scaleSetPriority") == "Spot"


def _holds_machines(pool: Pool) -> bool:
    return pool.boots_at is not None or pool.state is not PoolState.FAILED


def _exhausted(catalog: Catalog, faults: Faults) -> set[str]:
    found: set[str] = set()
    for size in catalog.values() if faults else ():
        if fault_book.shown(faults, FaultKind.NO_FAMILY_QUOTA, size.name):
            found.add(size.family)
        if fault_book.shown(faults, FaultKind.NO_REGIONAL_QUOTA, size.name):
            found.update({REGIONAL, SPOT})
    return found


def _family_label(family: str) -> str:
    stem = family.removesuffix("Family")
    return f"{stem[:1].upper()}{stem[1:]} Family vCPUs"
