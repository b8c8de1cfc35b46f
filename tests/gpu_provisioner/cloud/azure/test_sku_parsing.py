"""Parsing Azure's responses about SKUs, usages and the subscription."""

from typing import Any

import pytest

from gpu_provisioner.cloud.availability import Quota, SkuAvailability
from gpu_provisioner.cloud.azure import sku_parsing

NAME = "Standard_NC24ads_A100_v4"
FAMILY = "StandardNCADSA100v4Family"


def sku(**changes: Any) -> dict[str, Any]:
    capabilities = {"vCPUs": "24", "MemoryGB": "220", "GPUs": "1", "CpuArchitectureType": "x64"}
    return {
        "resourceType": "virtualMachines",
        "name": NAME,
        "family": FAMILY,
        "locations": ["eastus"],
        "locationInfo": [{"location": "eastus", "zones": ["1", "2"]}],
        "capabilities": [{"name": k, "value": v} for k, v in capabilities.items()],
        "restrictions": [],
        **changes,
    }


def restriction(kind: str, place: str = "eastus", **info: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "values": [place],
        "restrictionInfo": {"locations": [place], **info},
        "reasonCode": "NotAvailableForSubscription",
    }


def read(item: dict[str, Any], region: str = "eastus") -> SkuAvailability:
    (found,) = sku_parsing.sku_availabilities([item], region)
    return found


def test_sku_is_parsed() -> None:
    assert read(sku()) == SkuAvailability(
        instance_type=NAME,
        family=FAMILY,
        vcpus=24,
        zones=frozenset({"1", "2"}),
        memory_gib=220.0,
        gpus=1,
        arch="amd64",
    )


@pytest.mark.parametrize(
    ("changes", "restriction", "restricted_zones"),
    [
        ({"restrictions": [restriction("Location")]}, "NotAvailableForSubscription", set()),
        ({"restrictions": [restriction("Zone", zones=["2"])]}, "", {"2"}),
        ({"restrictions": [restriction("Location", "westus")]}, "", set()),
        ({"restrictions": [restriction("Zone", "westus", zones=["2"])]}, "", set()),
        ({"restrictions": [{"type": "Location", "values": ["East US"], "restrictionInfo": None}]},
         "restricted", set()),
        ({"restrictions": [restriction("Location"), restriction("Zone", zones=["1", "2"])]},
         "NotAvailableForSubscription", {"1", "2"}),
        ({"restrictions": None}, "", set()),
    ],
    ids=[
        "the whole region", "a zone", "another region", "another region's zone",
        "without information", "both", "no restrictions",
    ],
)  # fmt: skip
def test_restrictions_are_parsed(
    changes: dict[str, Any], restriction: str, restricted_zones: set[str]
) -> None:
    found = read(sku(**changes))
    assert (found.restriction, set(found.restricted_zones)) == (restriction, restricted_zones)


@pytest.mark.parametrize(
    ("changes", "zones"),
    [
        ({"locationInfo": [{"location": "EastUS", "zones": ["3"]}]}, {"3"}),
        ({"locationInfo": [{"location": "westus", "zones": ["3"]}]}, set()),
        ({"locationInfo": [{"location": "eastus"}]}, set()),
        ({"locationInfo": None}, set()),
    ],
    ids=["any case", "elsewhere", "no zones", "no information"],
)
def test_zones_are_parsed_or_selected(changes: dict[str, Any], zones: set[str]) -> None:
    assert set(read(sku(**changes)).zones) == zones


def test_missing_fields_are_unknown() -> None:
    found = read({"resourceType": "virtualMachines", "name": NAME})
    assert (found.family, found.vcpus, found.memory_gib, found.arch) == ("", 0, None, "")


def test_other_resource_types_are_ignored() -> None:
    assert (
        list(sku_parsing.sku_availabilities([sku(resourceType="disks"), sku(name="")], "eastus"))
        == []
    )


def test_quotas_are_parsed() -> None:
    usages: list[dict[str, Any]] = [
        {"name": {"value": "cores"}, "currentValue": 10, "limit": 100},
        {"name": {"value": FAMILY}, "currentValue": 24, "limit": 24},
        {"name": {"value": "lowPriorityCores"}, "limit": 3},
        {"name": None},
    ]
    assert sku_parsing.quotas(usages) == {
        "cores": Quota(used=10, limit=100),
        FAMILY.lower(): Quota(used=24, limit=24),
        "lowprioritycores": Quota(used=0, limit=3),
    }


@pytest.mark.parametrize(
    ("state", "may_buy"),
    [("Enabled", True), ("Warned", True), (None, True), ("PastDue", False), ("Disabled", False),
     ("Deleted", False)],
)  # fmt: skip
def test_subscription_problem_is_parsed(state: str | None, may_buy: bool) -> None:
    problem = sku_parsing.subscription_problem({"subscriptionId": "sub-1", "state": state})
    assert (problem == "") is may_buy
    if not may_buy:
        assert "sub-1" in problem and str(state) in problem and "Azure portal" in problem
