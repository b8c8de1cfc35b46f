"""Karpenter's operators on one label: which values, or its absence, a requirement allows. Pure.

Several requirements on one key must all be met: their sets of values intersect.
"""

import re
from enum import StrEnum

from gpu_provisioner.claims.claim import Requirement

_WHOLE_NUMBER = re.compile(r"^[0-9]{1,18}$")


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


class IncompatibleRequirements(ValueError):
    """No instance type can meet the claim. The message names the requirement, its value and the
    remedy."""


def check(requirement: Requirement) -> None:
    """Check that the requirement has the values that its operator needs.

    Raises:
        IncompatibleRequirements: it has not.
    """
    values = requirement.values
    match requirement.operator:
        case Operator.IN | Operator.NOT_IN:
            valid, remedy = bool(values), "needs at least one value"
        case Operator.EXISTS | Operator.DOES_NOT_EXIST:
            valid, remedy = not values, "takes no values"
        case Operator.GT | Operator.LT:
            valid = len(values) == 1 and _whole_number(values[0]) is not None
            remedy = "needs exactly one value, a whole number"
        case _:
            valid, remedy = False, f"is no operator: use {', '.join(Operator)}"
    if not valid:
        raise IncompatibleRequirements(
            f"requirement {describe(requirement)}: {requirement.operator} {remedy}"
        )


def allows(requirement: Requirement, value: str | None) -> bool:
    """Return whether a node meets the requirement. `value` is None for a node without the
    label."""
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
            number = _whole_number(value)
            return number is not None and number > int(requirement.values[0])
        case Operator.LT:
            number = _whole_number(value)
            return number is not None and number < int(requirement.values[0])
    return False


def describe(requirement: Requirement) -> str:
    """Return key, operator and values as the manifest has them."""
    values = ", ".join(requirement.values)
    return f"{requirement.key} {requirement.operator}" + (f" [{values}]" if values else "")


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and _WHOLE_NUMBER.match(text) else None
