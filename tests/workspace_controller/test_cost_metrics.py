"""Metrics of what Workspaces cost, and of claims that fail."""

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from kaito_kube.clock import FakeClock
from kaito_kube.kinds import MACHINE, NAMESPACE, WORKSPACE, Key, Manifest
from kaito_kube.store import Store
from kaito_skus.price_sheet import PriceSheet
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import inference_workspace
from workspace_controller.metrics import StoreCollector

COST = {
    "total": "1.0000",
    "asOf": "2026-01-01T00:00:00Z",
    "nodes": [
        {
            "claim": "ws1",
            "uid": "u",
            "instanceType": "Standard_NC6s_v3",
            "pricePerHour": "3.0600",
            "since": "2025-12-31T22:00:00Z",
        }
    ],
}


def scraped(store: Store, clock: FakeClock, prices: PriceBook | None = None) -> list[str]:
    registry = CollectorRegistry()
    registry.register(StoreCollector(store, clock, lambda: prices or PriceBook()))
    text = generate_latest(registry).decode().splitlines()
    return [line for line in text if not line.startswith("#")]


def with_cost(name: str = "ws") -> Manifest:
    return {**inference_workspace(name), "status": {"cost": COST}}


def test_the_total_grows_between_passes_and_goes_with_its_workspace() -> None:
    store, clock = Store(), FakeClock()
    store.upsert(WORKSPACE, with_cost())
    store.upsert(WORKSPACE, inference_workspace("free"))
    own = '{namespace="team",workspace="ws"}'
    found = scraped(store, clock)
    assert f"kaito_workspace_price_dollars_per_hour{own} 3.06" in found
    assert f"kaito_workspace_cost_dollars_total{own} 6.12" in found
    assert not any('workspace="free"' in line for line in found)
    clock.advance(3600)
    assert f"kaito_workspace_cost_dollars_total{own} 9.18" in scraped(store, clock)
    store.remove(WORKSPACE, Key("team", "ws"))
    assert not any("dollars" in line for line in scraped(store, clock))


def test_budgets_are_those_of_namespaces_that_have_one() -> None:
    store = Store()
    limits: dict[str, Any] = {
        "both": {"labels": {"kaito.sh/max-price-per-hour": "9"}, "annotations": {
            "kaito.sh/max-price-per-hour": "7.5"}},
        "none": {},
        "broken": {"labels": {"kaito.sh/max-price-per-hour": "x"}},
    }  # fmt: skip
    for name, has in limits.items():
        store.upsert(NAMESPACE, {"metadata": {"name": name, **has}})
    found = [line for line in scraped(store, FakeClock()) if "budget" in line]
    assert found == ['kaito_namespace_budget_dollars_per_hour{namespace="both"} 7.5']


def test_reasons_of_failed_claims_are_a_known_set() -> None:
    store = Store()
    for number, reason in enumerate(["QuotaExceeded", "QuotaExceeded", "rnd-7f3a", "rnd-91bc"]):
        failed = {"type": "Launched", "status": "False", "reason": reason, "message": "no"}
        manifest = {"metadata": {"name": f"m{number}"}, "status": {"conditions": [failed]}}
        store.upsert(MACHINE, manifest)
    found = [line for line in scraped(store, FakeClock()) if "failed_claims" in line]
    assert found == [
        'kaito_workspace_failed_claims{kind="Machine",reason="Other"} 2.0',
        'kaito_workspace_failed_claims{kind="Machine",reason="QuotaExceeded"} 2.0',
    ]


def test_the_age_of_the_price_list_is_known() -> None:
    clock = FakeClock()
    sheet = PriceBook(PriceSheet("eastus", {}, clock.now()))
    name = "kaito_price_list_read_timestamp_seconds"
    assert f"{name} 0.0" in scraped(Store(), clock)
    assert f"{name} {clock.now().timestamp():.10g}" in [
        f"{line.split()[0]} {float(line.split()[1]):.10g}"
        for line in scraped(Store(), clock, sheet)
        if line.startswith(name)
    ]
