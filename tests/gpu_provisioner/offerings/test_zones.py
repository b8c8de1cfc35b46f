"""Zones as Kubernetes and as AKS names them."""

import pytest

from gpu_provisioner.claims.claim import Requirement
from gpu_provisioner.offerings import zones
from gpu_provisioner.offerings.requirements import IncompatibleRequirements

HERE = "eastus"


def on_zone(operator: str, *values: str) -> Requirement:
    return Requirement("topology.kubernetes.io/zone", operator, values)


@pytest.mark.parametrize(
    ("name", "number"),
    [("eastus-1", "1"), ("EastUS-2", "2"), ("3", "3"), ("westus-1", "westus-1"), ("x", "x")],
)
def test_zone_numbers(name: str, number: str) -> None:
    assert zones.number(name, HERE) == number


@pytest.mark.parametrize(
    ("requirements", "left"),
    [
        ([on_zone("In", "eastus-1", "eastus-3")], ("1", "3")),
        ([on_zone("In", "2")], ("2",)),
        ([on_zone("In", "eastus-4")], ()),
        ([on_zone("NotIn", "eastus-1")], ("2", "3")),
        ([on_zone("Exists")], ("1", "2", "3")),
        ([on_zone("DoesNotExist")], ()),
        ([on_zone("In", "eastus-1", "2"), on_zone("NotIn", "eastus-1")], ("2",)),
        ([on_zone("In", "westus-1", "eastus-2")], ("2",)),
    ],
    ids=["two", "bare", "a fourth", "all but one", "any", "none", "both", "of two regions"],
)
def test_zones_are_filtered(requirements: list[Requirement], left: tuple[str, ...]) -> None:
    assert zones.allowed(requirements, HERE, {"1", "2", "3"}) == left


@pytest.mark.parametrize(
    ("requirements", "text"),
    [
        ([on_zone("In", "westus-1")], "the zones of this region are eastus-1"),
        ([on_zone("In", "eastus-1"), on_zone("In", "eastus-2")], "no zone meets it"),
        ([on_zone("In", "1"), on_zone("NotIn", "1")], "no zone meets it"),
        ([on_zone("NotIn", "1", "2", "3")], "no zone meets it"),
        ([on_zone("Gt", "1")], "use In or NotIn"),
    ],
    ids=["another region's", "two at once", "one and not it", "none left", "as a number"],
)
def test_impossible_zones_are_reported(requirements: list[Requirement], text: str) -> None:
    with pytest.raises(IncompatibleRequirements) as error:
        zones.check(requirements, HERE)
    assert text in str(error.value)


def test_unusual_zone_is_left_to_availability() -> None:
    zones.check([on_zone("In", "eastus-4")], HERE)
    zones.check([on_zone("DoesNotExist")], HERE)
    zones.check([], HERE)
