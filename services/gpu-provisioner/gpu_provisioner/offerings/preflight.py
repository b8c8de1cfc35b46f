"""Pre-flight of one machine type: whether it may be had now, where, and what it takes of which
quota. Pure: what the market does not tell forbids nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gpu_provisioner.claims.claim import Requirement
from gpu_provisioner.cloud.availability import Market, Offer, quota_names
from gpu_provisioner.offerings import unavailable_reasons, zones
from gpu_provisioner.offerings.instance_types import Catalogue, InstanceType
from gpu_provisioner.offerings.unavailable_offerings import Unavailable, offerings
from gpu_provisioner.offerings.unavailable_reasons import Obstacle, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`zones` are AKS's bare numbers, empty where AKS may choose."""

    instance_type: str
    zones: tuple[str, ...] = ()
    spot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known at the moment of the choice; `promised` are vCPUs by quota that other claims
    were granted and the market does not show yet. `due` is when the market is read anew."""

    catalogue: Catalogue
    market: Market | None
    due: datetime
    promised: Mapping[str, int]
    unavailable: Unavailable
    now: datetime

    @property
    def region(self) -> str:
        return self.catalogue.region

    def offer(self, name: str) -> Offer | None:
        return self.market.offers.get(name.lower()) if self.market is not None else None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is the claim's, not the type's. `named`: it says itself which types it takes; AKS
    judges those that the market does not list."""

    claim: str
    named: bool
    spot: bool
    in_zones: tuple[Requirement, ...]


def demand(found: InstanceType, *, spot: bool) -> dict[str, int]:
    """vCPUs by quota."""
    return dict.fromkeys(quota_names(found.family, spot=spot), found.vcpus) if found.vcpus else {}


def offer(found: InstanceType, wish: Wish, scene: Scene) -> Candidate | Obstacle:
    """The first obstacle is told: the one that is hardest to do something about."""
    sold = scene.offer(found.name)
    if why := _withheld(sold, wish, scene):
        return unavailable_reasons.withheld(found.name, why, scene.region, spot=wish.spot)
    placed: tuple[str, ...] = ()
    if wish.in_zones and not zones.takes_none(wish.in_zones):
        present = zones.ALL if sold is None else sold.zones - sold.zones_withheld
        placed = zones.allowed(wish.in_zones, scene.region, present)
        if not placed:
            return _no_zone(found.name, wish, frozenset(present), scene.region)
    if short := list(_shortfalls(found, wish.spot, scene)):
        return unavailable_reasons.no_quota(found.name, short, scene.region, spot=wish.spot)
    return _not_refused(found.name, placed, wish, scene)


def _withheld(sold: Offer | None, wish: Wish, scene: Scene) -> str:
    if sold is not None:
        return sold.withheld
    listed = scene.market is not None and bool(scene.market.offers)
    return "not listed" if listed and not wish.named else ""


def _not_refused(
    name: str, placed: tuple[str, ...], wish: Wish, scene: Scene
) -> Candidate | Obstacle:
    """Without the zones that the cloud refused of late."""
    refusals = {
        offering.zone: scene.unavailable.why(offering, wish.claim, scene.now)
        for offering in offerings(name, placed, spot=wish.spot)
    }
    free = tuple(zone for zone in refusals if refusals[zone] is None)
    if not free:
        first = min((r for r in refusals.values() if r is not None), key=lambda r: r.until)
        return unavailable_reasons.refused(name, first, spot=wish.spot)
    return Candidate(instance_type=name, zones=free if placed else (), spot=wish.spot)


def _no_zone(name: str, wish: Wish, present: frozenset[str], region: str) -> Obstacle:
    asked = zones.allowed(wish.in_zones, region, zones.ALL | present)
    labels = [[zones.label(zone, region) for zone in sorted(some)] for some in (asked, present)]
    return unavailable_reasons.zone_withheld(name, *labels, spot=wish.spot)


def _shortfalls(found: InstanceType, spot: bool, scene: Scene) -> Iterator[Shortfall]:
    quotas = scene.market.quotas if scene.market is not None else {}
    for name, needed in demand(found, spot=spot).items():
        quota, promised = quotas.get(name), scene.promised.get(name, 0)
        if quota is not None and needed > quota.limit - quota.used - promised:
            yield Shortfall(
                quota=found.family if name == found.family.lower() else name,
                needed=needed,
                used=quota.used,
                promised=promised,
                limit=quota.limit,
            )
