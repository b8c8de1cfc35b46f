"""A zone is eastus-1 to Kubernetes and 1 to AKS. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gpu_provisioner.claims.claim import Requirement
from gpu_provisioner.offerings.requirements import Misfit, Operator, allows, told

# Where the market is not known: what Azure's regions have at most.
ALL = frozenset({"1", "2", "3"})


def number(zone: str, region: str) -> str:
    """AKS's name of that zone; a bare number is taken as one of the region. Zones of other
    regions keep their name, which is no zone's here."""
    place, dash, digits = zone.rpartition("-")
    return digits if dash and place.lower() == region.lower() else zone


def label(zone: str, region: str) -> str:
    return f"{region}-{zone}"


def allowed(
    requirements: Sequence[Requirement], region: str, present: Iterable[str]
) -> tuple[str, ...]:
    """Those of the zones present that all requirements allow, in order."""
    wanted = [
        replace(r, values=tuple(number(value, region) for value in r.values)) for r in requirements
    ]
    return tuple(sorted(zone for zone in present if all(allows(r, zone) for r in wanted)))


def takes_none(requirements: Sequence[Requirement]) -> bool:
    """Whether a machine outside of all zones is asked for."""
    return all(r.operator == Operator.DOES_NOT_EXIST for r in requirements)


def check(requirements: Sequence[Requirement], region: str) -> None:
    """Raises Misfit where no zone that the region can have is allowed."""
    for requirement in requirements:
        if requirement.operator in (Operator.GT, Operator.LT):
            raise Misfit(f"requirement {told(requirement)}: zones are no numbers; use In or NotIn")
    named = {number(v, region) for r in requirements if r.operator == Operator.IN for v in r.values}
    known = ALL | {zone for zone in named if zone.isdecimal()}
    if not takes_none(requirements) and not allowed(requirements, region, known):
        all_told = " and ".join(map(told, requirements))
        raise Misfit(
            f"requirement {all_told}: no zone meets it; zones here are {region}-1 and so on"
        )
