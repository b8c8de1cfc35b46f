"""The choice of a machine for a claim: those that fit and may be had now, cheapest first, or why
there is none. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.offerings import label_keys, unavailable_reasons, zones
from gpu_provisioner.offerings.fitting import Shelf, fitting, names_types
from gpu_provisioner.offerings.instance_types import InstanceType
from gpu_provisioner.offerings.preflight import Candidate, Scene, Wish, offer
from gpu_provisioner.offerings.requirements import Misfit, allows, told
from gpu_provisioner.offerings.unavailable_reasons import Obstacle
from kaito_api import labels
from kaito_api.reasons import Reason


@dataclass(frozen=True, slots=True)
class Chosen:
    """In the order in which they are to be tried; at least one."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """`reason` is of kaito_api.reasons. Without `look_again` (seconds) waiting does not help."""

    reason: Reason
    message: str
    look_again: float | None = None


Choice = Chosen | Refused


def choose(claim: Claim, scene: Scene) -> Choice:
    shelf = Shelf(catalogue=scene.catalogue, market=scene.market, today=scene.now.date())
    in_zones = tuple(r for r in claim.requirements if label_keys.canonical(r.key) == labels.ZONE)
    try:
        types = sorted(fitting(claim, shelf), key=_price)
        zones.check(in_zones, scene.region)
        capacity = _capacity_types(claim)
    except Misfit as misfit:
        # The market may know of a type what no catalogue does.
        again = _again((), scene) if scene.market is None else None
        return Refused(Reason.INVALID_REQUIREMENTS, str(misfit), again)
    if scene.market is not None and scene.market.trouble:
        return Refused(Reason.SUBSCRIPTION_DISABLED, scene.market.trouble, _again((), scene))
    wishes = [Wish(claim.name, names_types(claim), spot, in_zones) for spot in capacity]
    found = [offer(one, wish, scene) for wish in wishes for one in types]
    if candidates := tuple(one for one in found if isinstance(one, Candidate)):
        return Chosen(candidates)
    in_the_way = [one for one in found if isinstance(one, Obstacle)]
    return Refused(*unavailable_reasons.headline(in_the_way), _again(in_the_way, scene))


def _price(found: InstanceType) -> float:
    """On-demand prices order spot machines as well; what is not known comes last."""
    return inf if found.price is None else found.price


def _capacity_types(claim: Claim) -> tuple[bool, ...]:
    """Spot or not, in the order of trying: spot machines only where they are asked for."""
    wanted = [r for r in claim.requirements if label_keys.canonical(r.key) == labels.CAPACITY_TYPE]
    if not wanted:
        return (False,)
    order = {True: label_keys.SPOT, False: label_keys.ON_DEMAND}
    found = tuple(spot for spot, name in order.items() if all(allows(r, name) for r in wanted))
    if not found:
        all_told = " and ".join(map(told, wanted))
        raise Misfit(f"requirement {all_told}: use {label_keys.ON_DEMAND} or {label_keys.SPOT}")
    return found


def _again(in_the_way: Sequence[Obstacle], scene: Scene) -> float:
    """Seconds until the market is read anew, or the first refusal has passed."""
    moments = [scene.due, *(o.until for o in in_the_way if o.until is not None)]
    return max(1.0, (min(moments) - scene.now).total_seconds() + 1.0)
