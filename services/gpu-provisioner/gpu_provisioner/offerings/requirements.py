"""Karpenter's operators over one label: which values of it, or its absence, are allowed. Pure.

Several requirements on one key must all be met, as if their sets of values were intersected.
"""

import re
from enum import StrEnum

from gpu_provisioner.claims.claim import Requirement

_WHOLE = re.compile(r"^[0-9]{1,18}$")


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


class Misfit(ValueError):
    """No machine can meet the claim; says which requirement, its value and the remedy."""


def check(requirement: Requirement) -> None:
    """Raises Misfit where it is not written as its operator wants it."""
    values = requirement.values
    match requirement.operator:
        case Operator.IN | Operator.NOT_IN:
            fits, remedy = bool(values), "needs at least one value"
        case Operator.EXISTS | Operator.DOES_NOT_EXIST:
            fits, remedy = not values, "takes no values"
        case Operator.GT | Operator.LT:
            fits = len(values) == 1 and _whole(values[0]) is not None
            remedy = "needs exactly one value, a whole number"
        case _:
            fits, remedy = False, f"is no operator: use {', '.join(Operator)}"
    if not fits:
        raise Misfit(f"requirement {told(requirement)}: {requirement.operator} {remedy}")


def allows(requirement: Requirement, value: str | None) -> bool:
    """Whether a node whose label has that value meets it; None is a node without the label."""
    match requirement.operator:
        case Operator.IN:
            return value in requirement.values
        case Operator.NOT_IN:
            return value not in requirement.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None
        case Operator.GT:
            return (number := _whole(value)) is not None and number > int(requirement.values[0])
        case Operator.LT:
            return (number := _whole(value)) is not None and number < int(requirement.values[0])
    return False


def told(requirement: Requirement) -> str:
    """As a reader knows it from the manifest: key, operator, values."""
    values = ", ".join(requirement.values)
    return f"{requirement.key} {requirement.operator}" + (f" [{values}]" if values else "")


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and _WHOLE.match(text) else None
