"""Karpenter's operators: which values of a label, or its absence, each allows."""

import pytest

from gpu_provisioner.claims.claim import Requirement
from gpu_provisioner.offerings.requirements import IncompatibleRequirements, allows, check

# operator, values, label's value (None: no such label), allowed
ALLOWED = [
    ("In", ["a", "b"], "a", True),
    ("In", ["a", "b"], "b", True),
    ("In", ["a", "b"], "c", False),
    ("In", ["a", "b"], None, False),
    ("In", ["4"], "4.0", False),
    ("In", ["A"], "a", False),
    ("NotIn", ["a", "b"], "a", False),
    ("NotIn", ["a", "b"], "c", True),
    ("NotIn", ["a", "b"], None, True),
    ("Exists", [], "a", True),
    ("Exists", [], "", True),
    ("Exists", [], None, False),
    ("DoesNotExist", [], "a", False),
    ("DoesNotExist", [], None, True),
    ("Gt", ["4"], "5", True),
    ("Gt", ["4"], "4", False),
    ("Gt", ["4"], "3", False),
    ("Gt", ["4"], "10", True),
    ("Gt", ["4"], "V100", False),
    ("Gt", ["4"], "4.5", False),
    ("Gt", ["4"], None, False),
    ("Gt", ["0"], "0", False),
    ("Lt", ["4"], "3", True),
    ("Lt", ["4"], "4", False),
    ("Lt", ["4"], "10", False),
    ("Lt", ["4"], "", False),
    ("Lt", ["4"], None, False),
    ("Lt", ["1"], "0", True),
]


@pytest.mark.parametrize(
    ("operator", "values", "value", "allowed"),
    ALLOWED,
    ids=[f"{value} {operator} {values}" for operator, values, value, _ in ALLOWED],
)
def test_operator_allows_values(
    operator: str, values: list[str], value: str | None, allowed: bool
) -> None:
    requirement = Requirement("key", operator, tuple(values))
    check(requirement)
    assert allows(requirement, value) is allowed


WRONG = [
    ("In", [], "at least one value"),
    ("NotIn", [], "at least one value"),
    ("Exists", ["a"], "takes no values"),
    ("DoesNotExist", ["a"], "takes no values"),
    ("Gt", [], "exactly one value, a whole number"),
    ("Gt", ["1", "2"], "exactly one value, a whole number"),
    ("Gt", ["many"], "exactly one value, a whole number"),
    ("Gt", ["-1"], "exactly one value, a whole number"),
    ("Lt", ["1.5"], "exactly one value, a whole number"),
    ("Gte", ["1"], "use In, NotIn, Exists, DoesNotExist, Gt, Lt"),
    ("in", ["a"], "use In, NotIn, Exists, DoesNotExist, Gt, Lt"),
    ("", ["a"], "use In, NotIn, Exists, DoesNotExist, Gt, Lt"),
]


@pytest.mark.parametrize(
    ("operator", "values", "text"), WRONG, ids=[f"{o or 'none'} {v}" for o, v, _ in WRONG]
)
def test_invalid_requirement_is_reported(operator: str, values: list[str], text: str) -> None:
    with pytest.raises(IncompatibleRequirements) as error:
        check(Requirement("example.com/key", operator, tuple(values)))
    assert text in str(error.value)
    assert "example.com/key" in str(error.value)
