"""Parses Azure's responses about SKUs, usages and the subscription. Pure: JSON in, values out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gpu_provisioner.cloud.availability import Quota, SkuAvailability

Json = Mapping[str, Any]

_ARCHITECTURES = {"x64": "amd64", "Arm64": "arm64"}
# A subscription with an unpaid bill is Warned, and can still create resources.
_USABLE_STATES = ("Enabled", "Warned")


def sku_availabilities(skus: Iterable[Json], region: str) -> Iterator[SkuAvailability]:
    """Yield the instance types among the SKUs."""
    for sku in skus:
        if sku.get("resourceType") == "virtualMachines" and sku.get("name"):
            yield _sku(sku, region)


def quotas(usages: Iterable[Json]) -> dict[str, Quota]:
    """Return the quotas by the usage's name in lower case."""
    return {
        usage["name"]["value"].lower(): Quota(
            used=int(usage.get("currentValue") or 0), limit=int(usage.get("limit") or 0)
        )
        for usage in usages
        if (usage.get("name") or {}).get("value")
    }


def subscription_problem(subscription: Json) -> str:
    """Return why the subscription cannot create resources, with the remedy, or an empty text."""
    state = subscription.get("state") or "Enabled"
    if state in _USABLE_STATES:
        return ""
    return (
        f"subscription {subscription.get('subscriptionId')} is {state} and cannot create "
        "resources. Fix it in the Azure portal (bill, spending limit); the launch is then retried "
        "automatically."
    )


def _sku(sku: Json, region: str) -> SkuAvailability:
    capabilities = {c["name"]: c["value"] for c in sku.get("capabilities") or ()}
    restriction, restricted_zones = _restrictions(sku, region)
    return SkuAvailability(
        instance_type=sku["name"],
        family=sku.get("family") or "",
        vcpus=int(_number(capabilities, "vCPUs") or 0),
        zones=_zones(sku, region),
        restricted_zones=restricted_zones,
        restriction=restriction,
        memory_gib=_number(capabilities, "MemoryGB"),
        gpus=int(_number(capabilities, "GPUs") or 0),
        arch=_ARCHITECTURES.get(capabilities.get("CpuArchitectureType", ""), ""),
    )


def _zones(sku: Json, region: str) -> frozenset[str]:
    return frozenset(
        zone
        for location in sku.get("locationInfo") or ()
        if _same(location.get("location"), region)
        for zone in location.get("zones") or ()
    )


def _restrictions(sku: Json, region: str) -> tuple[str, frozenset[str]]:
    """Return why the SKU is not available in the region, and the zones in which it is not."""
    reason, zones = "", set[str]()
    for restriction in sku.get("restrictions") or ():
        info = restriction.get("restrictionInfo") or {}
        locations = info.get("locations") or restriction.get("values") or ()
        if not any(_same(location, region) for location in locations):
            continue
        if restriction.get("type") == "Zone":
            zones.update(info.get("zones") or ())
        else:
            reason = restriction.get("reasonCode") or "restricted"
    return reason, frozenset(zones)


def _same(location: str | None, region: str) -> bool:
    return (location or "").replace(" ", "").lower() == region.replace(" ", "").lower()


def _number(capabilities: Mapping[str, str], name: str) -> float | None:
    try:
        return float(capabilities[name])
    except (KeyError, ValueError):
        return None
