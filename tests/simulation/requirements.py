"""What a claim requires of the machine that is bought for it."""

from typing import Protocol

from kaito_api import labels
from kaito_kube.kinds import Manifest
from tests.simulation.region import NAME


class Offer(Protocol):
    """A machine, as an agent pool or its specification names it."""

    @property
    def zones(self) -> tuple[str, ...]: ...

    @property
    def spot(self) -> bool: ...


def why_unfit(claim: Manifest, offer: Offer) -> str:
    """Why the claim forbids the offer; empty where it does not. Zones that a claim names must be
    named in the offer, and spot machines are bought only for claims that allow them."""
    zones, capacities = _values(claim, labels.ZONE), _values(claim, labels.CAPACITY_TYPE)
    numbers = {zone.removeprefix(f"{NAME}-") for zone in zones}
    if numbers and (not offer.zones or set(offer.zones) - numbers):
        return f"zones {sorted(offer.zones) or 'of any number'} instead of {sorted(numbers)}"
    bought = "spot" if offer.spot else "on-demand"
    if bought not in (capacities or ["on-demand"]):
        return f"a machine that is {bought}"
    return ""


def _values(claim: Manifest, key: str) -> list[str]:
    return [v for r in claim["spec"]["requirements"] if r["key"] == key for v in r["values"]]
