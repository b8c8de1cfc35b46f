"""Selects the offerings for a claim: those that meet it and are available, cheapest first, or why
there are none. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.offerings import label_keys, unavailable_reasons, zones
from gpu_provisioner.offerings.compatibility import compatible_types, names_types
from gpu_provisioner.offerings.instance_types import InstanceType
from gpu_provisioner.offerings.preflight import Candidate, SchedulingRequirements, check_type
from gpu_provisioner.offerings.requirements import IncompatibleRequirements, allows, describe
from gpu_provisioner.offerings.selection_inputs import SelectionInputs
from gpu_provisioner.offerings.unavailable_reasons import UnavailableReason
from kaito_api import labels
from kaito_api.reasons import Reason

# A pass that starts exactly when the availability expires would still find the old one.
_MARGIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Selection:
    """At least one candidate, in the order in which they are tried."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class NoOffering:
    """Where `requeue_after_seconds` is None, waiting
    does not help."""

    reason: Reason
    message: str
    requeue_after_seconds: float | None = None


SelectionResult = Selection | NoOffering


def select(claim: Claim, inputs: SelectionInputs) -> SelectionResult:
    in_zones = tuple(r for r in claim.requirements if label_keys.canonical(r.key) == labels.ZONE)
    try:
        types = sorted(compatible_types(claim, inputs), key=_price)
        zones.check(in_zones, inputs.region)
        capacity_types = _capacity_types(claim)
    except IncompatibleRequirements as error:
        # The availability may know of an instance type what the catalog does not.
        requeue = _requeue_after_seconds((), inputs) if inputs.availability is None else None
        return NoOffering(Reason.INVALID_REQUIREMENTS, str(error), requeue)
    if inputs.availability is not None and inputs.availability.problem:
        requeue = _requeue_after_seconds((), inputs)
        return NoOffering(Reason.SUBSCRIPTION_DISABLED, inputs.availability.problem, requeue)
    wanted = [
        SchedulingRequirements(claim.name, names_types(claim), spot, in_zones)
        for spot in capacity_types
    ]
    checked = [check_type(type_, each, inputs) for each in wanted for type_ in types]
    if candidates := tuple(each for each in checked if isinstance(each, Candidate)):
        return Selection(candidates)
    reasons = [each for each in checked if isinstance(each, UnavailableReason)]
    return NoOffering(
        *unavailable_reasons.summarize(reasons), _requeue_after_seconds(reasons, inputs)
    )


def _price(instance_type: InstanceType) -> float:
    """Return the on-demand price, which orders spot machines as well. Types without a known
    price come last."""
    return inf if instance_type.price is None else instance_type.price


def _capacity_types(claim: Claim) -> tuple[bool, ...]:
    """Return whether to try spot machines (True), on-demand machines (False) or both, in order.
    Spot machines are used only where the claim allows them."""
    wanted = [r for r in claim.requirements if label_keys.canonical(r.key) == labels.CAPACITY_TYPE]
    if not wanted:
        return (False,)
    order = {True: label_keys.SPOT, False: label_keys.ON_DEMAND}
    allowed = tuple(spot for spot, name in order.items() if all(allows(r, name) for r in wanted))
    if not allowed:
        described = " and ".join(map(describe, wanted))
        raise IncompatibleRequirements(
            f"requirement {described}: use {label_keys.ON_DEMAND} or {label_keys.SPOT}"
        )
    return allowed


def _requeue_after_seconds(reasons: Sequence[UnavailableReason], inputs: SelectionInputs) -> float:
    """Return the seconds until the availability is read again or the first refusal expires."""
    moments = [inputs.refresh_at, *(each.until for each in reasons if each.until is not None)]
    seconds = (min(moments) - inputs.now).total_seconds() + _MARGIN_SECONDS
    return max(_MARGIN_SECONDS, seconds)
