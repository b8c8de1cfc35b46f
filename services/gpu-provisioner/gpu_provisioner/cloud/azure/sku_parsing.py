"""What Azure's answers on SKUs, usages and the subscription mean. Pure: JSON in, values out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gpu_provisioner.cloud.availability import Offer, Quota

Json = Mapping[str, Any]

_ARCHITECTURES = {"x64": "amd64", "Arm64": "arm64"}
# States in which a subscription may buy; Warned is one whose bill is due.
_GOOD_STATES = ("Enabled", "Warned")


def offers(skus: Iterable[Json], region: str) -> Iterator[Offer]:
    """The machine types among the SKUs."""
    for sku in skus:
        if sku.get("resourceType") == "virtualMachines" and sku.get("name"):
            yield _offer(sku, region)


def quotas(usages: Iterable[Json]) -> dict[str, Quota]:
    """By the counter's name in lower case."""
    return {
        usage["name"]["value"].lower(): Quota(
            used=int(usage.get("currentValue") or 0), limit=int(usage.get("limit") or 0)
        )
        for usage in usages
        if (usage.get("name") or {}).get("value")
    }


def trouble(subscription: Json) -> str:
    """Why it may buy nothing, with the remedy; empty where it may."""
    state = subscription.get("state") or "Enabled"
    if state in _GOOD_STATES:
        return ""
    return (
        f"subscription {subscription.get('subscriptionId')} is {state}: it may buy nothing. Set it "
        "right in the Azure portal (bill, spending limit); then it is tried again by itself."
    )


def _offer(sku: Json, region: str) -> Offer:
    capabilities = {c["name"]: c["value"] for c in sku.get("capabilities") or ()}
    withheld, zones_withheld = _restrictions(sku, region)
    return Offer(
        instance_type=sku["name"],
        family=sku.get("family") or "",
        vcpus=int(_number(capabilities, "vCPUs") or 0),
        zones=_zones(sku, region),
        zones_withheld=zones_withheld,
        withheld=withheld,
        memory_gib=_number(capabilities, "MemoryGB"),
        gpus=int(_number(capabilities, "GPUs") or 0),
        arch=_ARCHITECTURES.get(capabilities.get("CpuArchitectureType", ""), ""),
    )


def _zones(sku: Json, region: str) -> frozenset[str]:
    return frozenset(
        zone
        for place in sku.get("locationInfo") or ()
        if _same(place.get("location"), region)
        for zone in place.get("zones") or ()
    )


def _restrictions(sku: Json, region: str) -> tuple[str, frozenset[str]]:
    """Why it is not sold in the region, and the zones in which it is not."""
    withheld, zones = "", set[str]()
    for restriction in sku.get("restrictions") or ():
        info = restriction.get("restrictionInfo") or {}
        places = info.get("locations") or restriction.get("values") or ()
        if not any(_same(place, region) for place in places):
            continue
        if restriction.get("type") == "Zone":
            zones.update(info.get("zones") or ())
        else:
            withheld = restriction.get("reasonCode") or "restricted"
    return withheld, frozenset(zones)


def _same(place: str | None, region: str) -> bool:
    return (place or "").replace(" ", "").lower() == region.replace(" ", "").lower()


def _number(capabilities: Mapping[str, str], name: str) -> float | None:
    try:
        return float(capabilities[name])
    except (KeyError, ValueError):
        return None
