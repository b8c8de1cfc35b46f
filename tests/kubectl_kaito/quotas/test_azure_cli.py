"""What `az` answers, as quotas; and every way in which it does not answer."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kubectl_kaito.quotas.azure_cli import AzureCli, run_az
from kubectl_kaito.quotas.source import Quota, QuotasUnavailable

USAGES = {
    "value": [
        {"name": {"value": "cores"}, "currentValue": 10, "limit": 100},
        {"name": {"value": "standardNCSv3Family"}, "currentValue": 6, "limit": 12},
        {"name": {"value": "Standard NCASv3_T4 Family"}, "currentValue": 0, "limit": "8"},
        {"name": {}, "limit": 1},
        {"name": {"value": "odd"}, "limit": "many"},
    ]
}


def sku(name: str, *restrictions: dict[str, Any], kind: str = "virtualMachines") -> dict[str, Any]:
    places = [{"location": "EastUS", "zones": ["2", "1"]}, {"location": "westus", "zones": ["9"]}]
    return {
        "name": name,
        "resourceType": kind,
        "locationInfo": places,
        "restrictions": restrictions,
    }


def restriction(kind: str, place: str = "eastus", **info: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "reasonCode": "NotAvailableForSubscription",
        "restrictionInfo": {"locations": [place], **info},
    }


class Az:
    """Answers each request with the next page, and records what it is asked."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.urls: list[str] = []

    def __call__(self, arguments: Sequence[str]) -> tuple[int, str, str]:
        assert list(arguments[:4]) == ["rest", "--method", "get", "--url"]
        self.urls.append(arguments[4])
        return 0, json.dumps(self.pages.pop(0)), ""


def test_families_the_region_and_zones_are_read() -> None:
    skus = {
        "value": [
            sku("A"),
            sku("B", restriction("Zone", zones=["1"])),
            sku("C", restriction("Location")),
            sku("D", restriction("Location", "westus")),
            sku("disk", kind="disks"),
        ]
    }
    az = Az(USAGES, skus)
    found = AzureCli("1-2", az).read("eastus")
    assert found.regional == Quota(10, 100)
    assert found.family("standardNCSv3Family") == Quota(6, 12)
    assert found.family("Standard NCASv3_T4 Family") == found.family("standardNCASv3T4Family")
    assert found.family("unknown") is None and found.family(None) is None
    assert found.zones == {"a": ("1", "2"), "b": ("2",), "c": ("1", "2"), "d": ("1", "2")}
    assert found.restricted == {"c": "NotAvailableForSubscription"}
    root = "/subscriptions/1-2/providers/Microsoft.Compute"
    assert az.urls == [
        f"{root}/locations/eastus/usages?api-version=2024-07-01",
        f"{root}/skus?api-version=2021-07-01&$filter=location eq 'eastus'",
    ]


def test_every_page_is_read() -> None:
    second = {"value": [{"name": {"value": "late"}, "currentValue": 1, "limit": 2}]}
    az = Az({**USAGES, "nextLink": "https://arm/next"}, second, {"value": []})
    assert AzureCli("1", az).read("eastus").family("late") == Quota(1, 2)
    assert az.urls[1] == "https://arm/next"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((1, "", "ERROR: Please run 'az login' to setup account.\nmore"), "Please run 'az login'"),
        ((3, "", ""), "exit code 3"),
        ((0, "no json", ""), "does not answer with JSON"),
        ((0, "[]", ""), "does not answer with JSON"),
    ],
)
def test_what_is_no_answer_says_why(answer: tuple[int, str, str], text: str) -> None:
    with pytest.raises(QuotasUnavailable, match="quota: unknown: .*" + text):
        AzureCli("1", lambda _: answer).read("eastus")


def test_without_az_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(QuotasUnavailable, match="no `az` on your PATH"):
        run_az(["rest"])


def test_az_is_run_as_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "az"
    program.write_text('#!/bin/sh\necho "$2"; echo trouble >&2; exit 4\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert run_az(["rest", "seen"]) == (4, "seen\n", "trouble\n")
