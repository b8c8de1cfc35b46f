"""Which machine types a claim takes, whatever is to be had of them now. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from gpu_provisioner.claims.claim import Claim, Requirement
from gpu_provisioner.cloud.availability import Market
from gpu_provisioner.offerings import label_keys
from gpu_provisioner.offerings.instance_types import Catalogue, InstanceType, as_sold
from gpu_provisioner.offerings.requirements import Misfit, Operator, allows, check, told
from kaito_api import labels, quantity

_ELSEWHERE = frozenset({"storage", "ephemeral-storage", "pods"})
"""Requests that the pool's disk or any node at all meets."""
_RESOURCES = ("cpu", "memory", "nvidia.com/gpu", "amd.com/gpu")
_KEYS = "docs/provisioning.md lists the keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What there is to choose from: the region's types, and what the market says of them."""

    catalogue: Catalogue
    market: Market | None
    today: date


def fitting(claim: Claim, shelf: Shelf) -> tuple[InstanceType, ...]:
    """Those that meet all requirements and requests; at least one. Raises Misfit."""
    wanted = [_canonical(r) for r in claim.requirements]
    for requirement in wanted:
        check(requirement)
    types = _to_choose_from(claim, wanted, shelf)
    for requirement in wanted:
        if requirement.key not in label_keys.OF_OFFERING:
            types = _meeting(requirement, types, claim, shelf.catalogue)
    for resource, amount in claim.requests.items():
        if resource not in _ELSEWHERE:
            types = _holding(resource, amount, types)
    for requirement in wanted:
        _check_variety(requirement, types)
    return types


def names_types(claim: Claim) -> bool:
    """Whether it says itself which types it takes, instead of what they must have."""
    return bool(_naming(map(_canonical, claim.requirements)))


def _naming(wanted: Iterable[Requirement]) -> list[Requirement]:
    return [r for r in wanted if r.key in label_keys.NAMES and r.operator == Operator.IN]


def _named(names: list[Requirement], catalogue: Catalogue) -> tuple[InstanceType, ...]:
    """In the claim's own order; several lists intersect."""
    lists = [
        {found.name.casefold(): found for found in map(catalogue.find, r.values)} for r in names
    ]
    return tuple(t for name, t in lists[0].items() if all(name in other for other in lists[1:]))


def _canonical(requirement: Requirement) -> Requirement:
    return replace(requirement, key=label_keys.canonical(requirement.key))


def _to_choose_from(
    claim: Claim, wanted: list[Requirement], shelf: Shelf
) -> tuple[InstanceType, ...]:
    """The types it names, whatever we know of them; otherwise all that are in service."""
    if names := _naming(wanted):
        if found := _named(names, shelf.catalogue):
            return tuple(as_sold(t, shelf.market) for t in found)
        raise Misfit(f"no machine type meets both {' and '.join(map(told, names))}")
    described = any(r.key in label_keys.DESCRIPTIVE for r in wanted)
    if not described and not any(resource in claim.requests for resource in _RESOURCES):
        raise Misfit(
            f"spec.requirements names no {labels.INSTANCE_TYPE}, and nothing else that tells one "
            f"machine from another: add one with operator In ({_KEYS})"
        )
    return tuple(as_sold(t, shelf.market) for t in shelf.catalogue.all() if _is_sold(t, shelf))


def _is_sold(found: InstanceType, shelf: Shelf) -> bool:
    """A type that is out of service is sold to those whom the market still lists it for."""
    in_service = found.retired_on is None or found.retired_on > shelf.today
    return in_service or (shelf.market is not None and found.name.lower() in shelf.market.offers)


def _meeting(
    requirement: Requirement,
    types: tuple[InstanceType, ...],
    claim: Claim,
    catalogue: Catalogue,
) -> tuple[InstanceType, ...]:
    key = requirement.key
    if key not in label_keys.OF_TYPE:
        if allows(requirement, claim.labels.get(key)):
            return types
        has = claim.labels.get(key)
        trouble = f"the claim's own label is {has}" if has else "the claim has no such label"
        raise Misfit(
            f"requirement {told(requirement)}: no machine type has that label, and {trouble}; "
            f"{_KEYS}"
        )
    kept = tuple(found for found in types if _meets(found, requirement, catalogue))
    if not kept:
        raise _none_left(requirement, types)
    return kept


def _meets(found: InstanceType, requirement: Requirement, catalogue: Catalogue) -> bool:
    """Azure takes the names of sizes in any case."""
    if requirement.key not in label_keys.NAMES:
        return allows(requirement, found.labels.get(requirement.key))
    names = tuple(catalogue.find(value).name.casefold() for value in requirement.values)
    return allows(replace(requirement, values=names), found.name.casefold())


def _none_left(requirement: Requirement, types: tuple[InstanceType, ...]) -> Misfit:
    """What those have that were left."""
    values = {value for t in types if (value := t.labels.get(requirement.key))}
    has = sorted(values, key=lambda value: (len(value), value))
    unknown = [t.name for t in types if not t.in_catalogue and requirement.key not in t.labels]
    if unknown:
        return Misfit(
            f"requirement {told(requirement)}: {', '.join(unknown[:3])} is in no catalogue, so "
            "that this is not known of it: leave the requirement out, or name another type"
        )
    known = f"has one of {', '.join(has[:8])}" if has else "has no such label"
    return Misfit(
        f"requirement {told(requirement)}: no machine type meets it; what else fits the claim "
        f"{known}"
    )


def _holding(
    resource: str, amount: str, types: tuple[InstanceType, ...]
) -> tuple[InstanceType, ...]:
    where = f"spec.resources.requests.{resource} {amount!r}"
    if resource not in _RESOURCES:
        raise Misfit(f"{where}: no machine type offers that; leave it out")
    try:
        needed = quantity.parse(amount)
    except ValueError as error:
        raise Misfit(f"spec.resources.requests.{resource}: {error}") from error
    kept = tuple(found for found in types if found.resources.get(resource, 0) >= needed)
    if not kept:
        most = max(found.resources.get(resource, quantity.parse(0)) for found in types)
        largest = f"{most / quantity.GIB:.0f}Gi" if resource == "memory" else f"{most:f}"
        raise Misfit(f"{where}: no machine type that fits has as much; the largest has {largest}")
    return kept


def _check_variety(requirement: Requirement, types: tuple[InstanceType, ...]) -> None:
    """Karpenter's minValues: so many different values must be left to choose from."""
    least = requirement.min_values or 0
    if requirement.key in label_keys.OF_TYPE:
        values = {value for t in types if (value := t.labels.get(requirement.key))}
    else:
        values = {v for v in requirement.values if requirement.operator == Operator.IN}
    if len(values) < least:
        raise Misfit(
            f"requirement {told(requirement)} with minValues {least}: only "
            f"{', '.join(sorted(values)) or 'none'} can be chosen; ask for less variety or allow "
            "more values"
        )
