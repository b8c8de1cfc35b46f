"""Availability zones: Kubernetes calls one eastus-1, AKS calls it 1. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gpu_provisioner.claims.claim import Requirement
from gpu_provisioner.offerings.requirements import (
    IncompatibleRequirements,
    Operator,
    allows,
    describe,
)

# The zones that Azure's regions have at most, used where the availability is unknown.
ALL = frozenset({"1", "2", "3"})


def number(zone: str, region: str) -> str:
    """Return AKS's name of the zone. A bare number is a zone of the region. The zone of another
    region keeps its name, which matches no zone here."""
    prefix, dash, digits = zone.rpartition("-")
    return digits if dash and prefix.lower() == region.lower() else zone


def label(zone: str, region: str) -> str:
    return f"{region}-{zone}"


def allowed(
    requirements: Sequence[Requirement], region: str, present: Iterable[str]
) -> tuple[str, ...]:
    """Return the present zones that all requirements allow, in order."""
    numbered = [
        replace(r, values=tuple(number(value, region) for value in r.values)) for r in requirements
    ]
    return tuple(sorted(zone for zone in present if all(allows(r, zone) for r in numbered)))


def forbids_zones(requirements: Sequence[Requirement]) -> bool:
    """Return whether the claim requires a machine outside of all zones."""
    return all(r.operator == Operator.DOES_NOT_EXIST for r in requirements)


def check(requirements: Sequence[Requirement], region: str) -> None:
    """Check that the requirements allow some zone of the region.

    Raises:
        IncompatibleRequirements: they allow none.
    """
    for requirement in requirements:
        if requirement.operator in (Operator.GT, Operator.LT):
            raise IncompatibleRequirements(
                f"requirement {describe(requirement)}: a zone is no number; use In or NotIn"
            )
    named = {number(v, region) for r in requirements if r.operator == Operator.IN for v in r.values}
    known = ALL | {zone for zone in named if zone.isdecimal()}
    if not forbids_zones(requirements) and not allowed(requirements, region, known):
        described = " and ".join(map(describe, requirements))
        raise IncompatibleRequirements(
            f"requirement {described}: no zone meets it; the zones of this region are {region}-1 "
            "and so on"
        )
