"""Which instance types meet a claim's requirements and requests, available or not. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from gpu_provisioner.claims.claim import Claim, Requirement
from gpu_provisioner.offerings import label_keys
from gpu_provisioner.offerings.instance_types import Catalog, InstanceType, with_availability
from gpu_provisioner.offerings.requirements import (
    IncompatibleRequirements,
    Operator,
    allows,
    check,
    describe,
)
from gpu_provisioner.offerings.selection_inputs import SelectionInputs
from kaito_api import labels, quantity

# The pool's disk meets requests for storage, and any node meets a request for pods.
_MET_BY_EVERY_TYPE = frozenset({"storage", "ephemeral-storage", "pods"})
_RESOURCES = ("cpu", "memory", "nvidia.com/gpu", "amd.com/gpu")
_KEYS = "docs/provisioning.md lists the keys"
# Types and values in a message: more would hide the remedy.
_MAX_TYPES, _MAX_VALUES = 3, 8


def compatible_types(claim: Claim, inputs: SelectionInputs) -> tuple[InstanceType, ...]:
    """Return the instance types that meet the claim, at least one.

    Raises:
        IncompatibleRequirements: no instance type meets the claim.
    """
    requirements = [_canonical(r) for r in claim.requirements]
    for requirement in requirements:
        check(requirement)
    types = _considered_types(claim, requirements, inputs)
    for requirement in requirements:
        if requirement.key not in label_keys.OF_OFFERING:
            types = _meeting(requirement, types, claim, inputs.catalog)
    for resource, amount in claim.requests.items():
        if resource not in _MET_BY_EVERY_TYPE:
            types = _with_resource(resource, amount, types)
    for requirement in requirements:
        _check_min_values(requirement, types)
    return types


def names_types(claim: Claim) -> bool:
    """Return whether the claim lists its instance types by name."""
    return bool(_naming(map(_canonical, claim.requirements)))


def _naming(requirements: Iterable[Requirement]) -> list[Requirement]:
    return [r for r in requirements if r.key in label_keys.NAMES and r.operator == Operator.IN]


def _named_types(naming: list[Requirement], catalog: Catalog) -> tuple[InstanceType, ...]:
    """Return the named types in the claim's order. Several lists intersect."""
    lists = [
        {type_.name.casefold(): type_ for type_ in map(catalog.find, r.values)} for r in naming
    ]
    return tuple(t for name, t in lists[0].items() if all(name in other for other in lists[1:]))


def _canonical(requirement: Requirement) -> Requirement:
    return replace(requirement, key=label_keys.canonical(requirement.key))


def _considered_types(
    claim: Claim, requirements: list[Requirement], inputs: SelectionInputs
) -> tuple[InstanceType, ...]:
    """Return the types that the claim names, known or not, or otherwise all that are in
    service."""
    if naming := _naming(requirements):
        if named := _named_types(naming, inputs.catalog):
            return tuple(with_availability(t, inputs.availability) for t in named)
        described = " and ".join(map(describe, naming))
        raise IncompatibleRequirements(f"no instance type meets both {described}")
    describes = any(r.key in label_keys.DESCRIPTIVE for r in requirements)
    if not describes and not any(resource in claim.requests for resource in _RESOURCES):
        # Otherwise an empty claim would get the cheapest machine of the catalog.
        raise IncompatibleRequirements(
            f"spec.requirements names no {labels.INSTANCE_TYPE} and nothing else that "
            f"distinguishes instance types: add a requirement with operator In ({_KEYS})"
        )
    in_service = (t for t in inputs.catalog.all() if _is_in_service(t, inputs))
    return tuple(with_availability(t, inputs.availability) for t in in_service)


def _is_in_service(instance_type: InstanceType, inputs: SelectionInputs) -> bool:
    """Return whether the type can be chosen. Azure still offers retired types to some
    subscriptions, and lists them for those."""
    retired_on = instance_type.retired_on
    is_listed = inputs.sku(instance_type.name) is not None
    return retired_on is None or retired_on > inputs.now.date() or is_listed


def _meeting(
    requirement: Requirement,
    types: tuple[InstanceType, ...],
    claim: Claim,
    catalog: Catalog,
) -> tuple[InstanceType, ...]:
    key = requirement.key
    if key not in label_keys.OF_TYPE:
        value = claim.labels.get(key)
        if allows(requirement, value):
            return types
        problem = f"the claim's own label is {value}" if value else "the claim has no such label"
        raise IncompatibleRequirements(
            f"requirement {describe(requirement)}: no instance type has that label, and {problem}; "
            f"{_KEYS}"
        )
    kept = tuple(t for t in types if _meets(t, requirement, catalog))
    if not kept:
        raise _no_type_left(requirement, types)
    return kept


def _meets(instance_type: InstanceType, requirement: Requirement, catalog: Catalog) -> bool:
    if requirement.key not in label_keys.NAMES:
        return allows(requirement, instance_type.labels.get(requirement.key))
    # Azure accepts the names of sizes in any case.
    names = tuple(catalog.find(value).name.casefold() for value in requirement.values)
    return allows(replace(requirement, values=names), instance_type.name.casefold())


def _no_type_left(
    requirement: Requirement, types: tuple[InstanceType, ...]
) -> IncompatibleRequirements:
    """Return the error with the values that the remaining types have."""
    values = {value for t in types if (value := t.labels.get(requirement.key))}
    shown = sorted(values, key=lambda value: (len(value), value))
    unknown = [t.name for t in types if not t.in_catalog and requirement.key not in t.labels]
    if unknown:
        return IncompatibleRequirements(
            f"requirement {describe(requirement)}: {', '.join(unknown[:_MAX_TYPES])} is in no "
            "catalog, so this label is unknown: remove the requirement, or name another type"
        )
    known = f"has one of {', '.join(shown[:_MAX_VALUES])}" if shown else "has no such label"
    return IncompatibleRequirements(
        f"requirement {describe(requirement)}: no instance type meets it; what else meets the "
        f"claim {known}"
    )


def _with_resource(
    resource: str, amount: str, types: tuple[InstanceType, ...]
) -> tuple[InstanceType, ...]:
    where = f"spec.resources.requests.{resource} {amount!r}"
    if resource not in _RESOURCES:
        raise IncompatibleRequirements(f"{where}: no instance type has this resource; remove it")
    try:
        needed = quantity.parse(amount)
    except ValueError as error:
        raise IncompatibleRequirements(f"spec.resources.requests.{resource}: {error}") from error
    kept = tuple(t for t in types if t.resources.get(resource, 0) >= needed)
    if not kept:
        most = max(t.resources.get(resource, quantity.parse(0)) for t in types)
        largest = f"{most / quantity.GIB:.0f}Gi" if resource == "memory" else f"{most:f}"
        raise IncompatibleRequirements(
            f"{where}: no instance type that meets the claim has that much; the largest has "
            f"{largest}"
        )
    return kept


def _check_min_values(requirement: Requirement, types: tuple[InstanceType, ...]) -> None:
    """Check Karpenter's minValues: so many different values must be left to choose from.

    Raises:
        IncompatibleRequirements: there are fewer.
    """
    min_values = requirement.min_values or 0
    if requirement.key in label_keys.OF_TYPE:
        values = {value for t in types if (value := t.labels.get(requirement.key))}
    else:
        values = {v for v in requirement.values if requirement.operator == Operator.IN}
    if len(values) < min_values:
        raise IncompatibleRequirements(
            f"requirement {describe(requirement)} with minValues {min_values}: only "
            f"{', '.join(sorted(values)) or 'none'} can be chosen; lower minValues or allow more "
            "values"
        )
