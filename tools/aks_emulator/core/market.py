"""What the region has left to sell: quota and its use, and restrictions of sizes. Pure.

Standing faults are part of the answer: what a create would be refused for, a listing shows.
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
from tools.aks_emulator.core.catalog import Catalog, Size, find
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.faults import FaultKind, Faults
from tools.aks_emulator.core.model import Json, Pool, PoolState, State

REGIONAL = "cores"
SPOT = "lowPriorityCores"
DEFAULT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Usage:
    """One line of quota, in vCPUs."""

    name: str
    label: str
    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a create or a scale-up needs: `nodes` more machines of a size."""

    pool: str
    size: Size
    nodes: int
    spot: bool
    zones: tuple[str, ...]

    @property
    def vcpus(self) -> int:
        return self.nodes * self.size.vcpus


def usages(state: State, catalog: Catalog, faults: Faults) -> list[Usage]:
    """The region's quota as a subscriber sees it: regional lines first, then every family."""
    used = _used(state, catalog)
    families = sorted({size.family for size in catalog.values()})
    labels = {REGIONAL: "Total Regional vCPUs", SPOT: "Total Regional Low-priority vCPUs"}
    labels.update({family: _family_label(family) for family in families})
    exhausted = _exhausted(catalog, faults)
    limits = {**dict.fromkeys(labels, DEFAULT_LIMIT), **state.limits}
    limits |= {name: used[name] for name in exhausted}
    return [Usage(name, label, used[name], limits[name]) for name, label in labels.items()]


def refusal(
    order: Order, state: State, catalog: Catalog, strikes: Mapping[FaultKind, bool], location: str
) -> ArmError | None:
    """Why an order can't be taken; `strikes` says which standing faults apply to it."""
    if strikes.get(FaultKind.SKU_NOT_AVAILABLE):
        others = [name for name in catalog if name != order.size.name]
        return size_not_allowed(order.size.name, location, others)
    missing = next((zone for zone in order.zones if zone not in order.size.zones), None)
    if missing is not None or (strikes.get(FaultKind.ZONE_RESTRICTED) and order.zones):
        zone = missing or order.zones[0]
        left = tuple(z for z in order.size.zones if z != zone)
        return zone_not_supported(order.size.name, zone, location, left)
    return _quota_refusal(order, state, catalog, strikes, location)


def _quota_refusal(
    order: Order, state: State, catalog: Catalog, strikes: Mapping[FaultKind, bool], location: str
) -> ArmError | None:
    lines = {usage.name: usage for usage in usages(state, catalog, ())}
    regional = lines[SPOT if order.spot else REGIONAL]
    family = lines[order.size.family]
    if not order.spot:
        left = 0 if strikes.get(FaultKind.NO_FAMILY_QUOTA) else family.left
        if left < order.vcpus:
            return no_family_quota(
                family=family.name, location=location, requested=order.vcpus, remaining=left
            )
    left = 0 if strikes.get(FaultKind.NO_REGIONAL_QUOTA) else regional.left
    if left < order.vcpus:
        return no_regional_quota(location=location, requested=order.vcpus, remaining=left)
    return None


def usage_json(usage: Usage) -> Json:
    return {
        "unit": "Count",
        "currentValue": usage.used,
        "limit": usage.limit,
        "name": {"value": usage.name, "localizedValue": usage.label},
    }


def sku_json(size: Size, location: str, faults: Faults) -> Json:
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


def _restrictions(size: Size, location: str, faults: Faults) -> list[Json]:
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
