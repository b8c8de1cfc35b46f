"""What spot nodes have saved, as the status counts it."""

from dataclasses import replace
from datetime import timedelta

from kaito_api import labels
from kaito_kube.kinds import Manifest
from kaito_skus.price_sheet import Price, PriceSheet
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import (
    NOW,
    claim,
    observation,
    own_node,
    resource,
    stored,
    tuning_workspace,
)
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import decide_nodes
from workspace_controller.plan.status.spot import spot_status

SHEET = PriceBook(PriceSheet("eastus", {"Standard_NC6s_v3": Price(3.0, 0.6)}, NOW))
READY = {"nodes": (own_node(),), "claims": (claim(0, Ready="True/Ready/"),)}


def seen(minutes: float, before: Manifest | None, *, node: bool = True) -> Observed:
    selector = {"matchLabels": {"app": "phi", labels.CAPACITY_TYPE: "spot"}}
    manifest = stored(tuning_workspace(resource=resource(labelSelector=selector)))
    if before is not None:
        manifest["status"] = {"spot": before}
    found = observation(manifest, prices=SHEET, **(READY if node else {}))
    return replace(found, now=NOW + timedelta(minutes=minutes))


def counted(minutes: float, before: Manifest | None, *, node: bool = True) -> Manifest | None:
    observed = seen(minutes, before, node=node)
    assert observed.spec is not None
    return spot_status(observed, decide_nodes(observed, observed.spec, 1))


def test_dollars_are_counted_while_the_node_is_ready() -> None:
    assert counted(0, None, node=False) is None
    begun = counted(0, None)
    assert begun == {
        "saved": "0.0000", "nodeHours": "0.0000", "nodes": 1, "countedUntil": "2026-01-01T12:00:00Z"
    }  # fmt: skip
    assert counted(0.5, begun) == begun
    half = counted(30, begun)
    assert half is not None
    assert (half["saved"], half["nodeHours"]) == ("1.2000", "0.5000")


def test_an_eviction_ends_the_count_until_the_next_node() -> None:
    """Evicted after 20 minutes; the wait of 40 for the next node saves nothing."""
    evicted = counted(20, counted(0, None), node=False)
    assert evicted is not None
    assert (evicted["saved"], evicted["nodes"]) == ("0.8000", 0)
    assert counted(40, evicted, node=False) == evicted
    again = counted(60, evicted)
    assert again is not None
    assert (again["saved"], again["nodes"]) == ("0.8000", 1)
    assert (counted(90, again) or {})["saved"] == "2.0000"


def test_nothing_is_claimed_without_a_spot_price_or_a_spot_node() -> None:
    observed = replace(seen(0, None), prices=PriceBook())
    assert observed.spec is not None
    assert spot_status(observed, decide_nodes(observed, observed.spec, 1)) is None
    plain = observation(stored(tuning_workspace()), prices=SHEET, **READY)
    assert plain.spec is not None
    assert spot_status(plain, decide_nodes(plain, plain.spec, 1)) is None
