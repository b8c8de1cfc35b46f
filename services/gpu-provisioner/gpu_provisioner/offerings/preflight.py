"""Pre-flight of one instance type: whether it is available now, in which zones, and which quota
it needs. Pure. What Azure does not report forbids nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpu_provisioner.claims.claim import Requirement
from gpu_provisioner.cloud.availability import SkuAvailability, quota_names
from gpu_provisioner.offerings import unavailable_reasons, zones
from gpu_provisioner.offerings.instance_types import InstanceType
from gpu_provisioner.offerings.selection_inputs import SelectionInputs
from gpu_provisioner.offerings.unavailable_offerings import offerings
from gpu_provisioner.offerings.unavailable_reasons import InsufficientQuota, UnavailableReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An offering to try. `zones` are AKS's zone numbers, empty where AKS may choose."""

    instance_type: str
    zones: tuple[str, ...] = ()
    spot: bool = False


@dataclass(frozen=True, slots=True)
class SchedulingRequirements:
    """What a claim requires beyond the instance type. `names_types` means that the claim lists
    its types by name, so that AKS decides about a type that Azure's listing lacks."""

    claim: str
    names_types: bool
    spot: bool
    zone_requirements: tuple[Requirement, ...]


def required_quota(instance_type: InstanceType, *, spot: bool) -> dict[str, int]:
    """Return the vCPUs that a machine of that type takes, by quota."""
    if not instance_type.vcpus:
        return {}
    return dict.fromkeys(quota_names(instance_type.family, spot=spot), instance_type.vcpus)


def check_type(
    instance_type: InstanceType, wanted: SchedulingRequirements, inputs: SelectionInputs
) -> Candidate | UnavailableReason:
    """Return the candidate, or the first reason against it. The checks are in the order of how
    hard it is to do something about the reason, the hardest first."""
    name, sku = instance_type.name, inputs.sku(instance_type.name)
    if restriction := _restriction(sku, wanted, inputs):
        return unavailable_reasons.restricted(name, restriction, inputs.region, spot=wanted.spot)
    allowed: tuple[str, ...] = ()
    if wanted.zone_requirements and not zones.forbids_zones(wanted.zone_requirements):
        present = zones.ALL if sku is None else sku.zones - sku.restricted_zones
        allowed = zones.allowed(wanted.zone_requirements, inputs.region, present)
        if not allowed:
            return _no_zone(name, wanted, frozenset(present), inputs.region)
    if missing := list(_insufficient_quotas(instance_type, wanted.spot, inputs)):
        return unavailable_reasons.no_quota(name, missing, inputs.region, spot=wanted.spot)
    return _without_refused_zones(name, allowed, wanted, inputs)


def _restriction(
    sku: SkuAvailability | None, wanted: SchedulingRequirements, inputs: SelectionInputs
) -> str:
    if sku is not None:
        return sku.restriction
    has_listing = inputs.availability is not None and bool(inputs.availability.skus)
    return "not listed" if has_listing and not wanted.names_types else ""


def _without_refused_zones(
    name: str, allowed: tuple[str, ...], wanted: SchedulingRequirements, inputs: SelectionInputs
) -> Candidate | UnavailableReason:
    """Leave out the zones in which the cloud refused the type recently."""
    refusals = {
        offering.zone: inputs.unavailable.refusal_for(offering, wanted.claim, inputs.now)
        for offering in offerings(name, allowed, spot=wanted.spot)
    }
    free = tuple(zone for zone in refusals if refusals[zone] is None)
    if not free:
        first = min((r for r in refusals.values() if r is not None), key=lambda r: r.until)
        return unavailable_reasons.refused(name, first, spot=wanted.spot)
    return Candidate(instance_type=name, zones=free if allowed else (), spot=wanted.spot)


def _no_zone(
    name: str, wanted: SchedulingRequirements, present: frozenset[str], region: str
) -> UnavailableReason:
    required = zones.allowed(wanted.zone_requirements, region, zones.ALL | present)
    labels = [[zones.label(zone, region) for zone in sorted(each)] for each in (required, present)]
    return unavailable_reasons.zone_restricted(name, *labels, spot=wanted.spot)


def _insufficient_quotas(
    instance_type: InstanceType, spot: bool, inputs: SelectionInputs
) -> Iterator[InsufficientQuota]:
    quotas = inputs.availability.quotas if inputs.availability is not None else {}
    for name, needed in required_quota(instance_type, spot=spot).items():
        quota, reserved = quotas.get(name), inputs.reserved.get(name, 0)
        if quota is not None and needed > quota.limit - quota.used - reserved:
            is_family = name == instance_type.family.lower()
            yield InsufficientQuota(
                # The family in Azure's own spelling, as the quota request needs it.
                quota=instance_type.family if is_family else name,
                needed=needed,
                used=quota.used,
                reserved=reserved,
                limit=quota.limit,
            )
