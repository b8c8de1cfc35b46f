"""What the nodes of a Workspace have cost, from the intervals that its status records."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kaito_api.conditions import rfc3339
from kaito_api.cost import total_so_far
from kaito_kube.kinds import MACHINE, NODE_POOL, Manifest
from kaito_skus.price_sheet import Price, PriceSheet
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import (
    INSTANCE,
    NOW,
    OWNER,
    inference_workspace,
    observation,
    stored,
)
from workspace_controller.observed import Claim
from workspace_controller.plan.decide import decide
from workspace_controller.plan.status.cost import cost_status, refresh_seconds

HOUR = timedelta(hours=1)
SOURCE = "recorded 2025, eastus: approximate pay-as-you-go list prices, Linux"


def machine(uid: str = "m1", launched: datetime | None = NOW, name: str = INSTANCE) -> Claim:
    conditions = []
    if launched is not None:
        conditions = [
            {"type": "Launched", "status": "True", "lastTransitionTime": rfc3339(launched)}
        ]
    requirement = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [name]}
    return Claim(
        MACHINE,
        {
            "metadata": {"name": f"ws-{uid}", "uid": uid, "labels": OWNER.labels},
            "spec": {"requirements": [requirement]},
            "status": {"conditions": conditions},
        },
    )


def listed(price: float) -> PriceBook:
    return PriceBook(
        PriceSheet("eastus", {INSTANCE: Price(price)}, datetime(2026, 1, 1, tzinfo=UTC))
    )


def cost(before: Manifest | None, after: timedelta, *claims: Claim, **changes: Any) -> Manifest:
    workspace = stored({**inference_workspace(), "status": {"cost": before} if before else {}})
    seen = replace(observation(workspace, claims=claims, **changes), now=NOW + after)
    found = cost_status(seen)
    assert found is not None
    return found


def test_a_machine_costs_from_its_launch() -> None:
    found = cost(None, 2 * HOUR, machine(launched=NOW + HOUR))
    assert found == {
        "prices": SOURCE,
        "total": "3.0600",
        "asOf": "2026-01-01T14:00:00Z",
        "pricePerHour": "3.0600",
        "nodes": [
            {
                "claim": "ws-m1",
                "uid": "m1",
                "instanceType": INSTANCE,
                "pricePerHour": "3.0600",
                "since": "2026-01-01T13:00:00Z",
            }
        ],
    }


def test_a_claim_without_a_machine_costs_nothing() -> None:
    assert cost(None, HOUR, machine(launched=None)) == {"prices": SOURCE}
    assert cost(None, HOUR, machine(name="Standard_XYZ")) == {"prices": SOURCE}
    pool = Claim(NODE_POOL, {**machine().manifest})
    assert cost(None, HOUR, pool) == {"prices": SOURCE}


def test_the_status_is_not_written_each_time_and_its_total_is_exact_all_the_same() -> None:
    first = cost(None, timedelta(0), machine())
    later = cost(first, timedelta(minutes=59), machine())
    assert later == first
    assert str(total_so_far(later, NOW + timedelta(minutes=30))) == "1.5300"
    assert refresh_seconds({"cost": later}, NOW + timedelta(minutes=59)) == 60
    assert cost(later, HOUR, machine())["total"] == "3.0600"


def test_a_machine_that_is_gone_stops_costing() -> None:
    first = cost(None, timedelta(0), machine())
    gone = cost(first, timedelta(minutes=30))
    assert (gone["total"], gone["pricePerHour"]) == ("1.5300", "0.0000")
    assert cost(gone, 9 * HOUR) == gone
    assert refresh_seconds({"cost": gone}, NOW + 9 * HOUR) is None


def test_a_lost_write_changes_no_total() -> None:
    """The same pass over the status before it comes to the same intervals."""
    first = cost(None, timedelta(0), machine())
    written = cost(first, timedelta(minutes=30))
    again = cost(first, timedelta(minutes=30, seconds=1))
    assert written["total"] == "1.5300" and again["total"] == "1.5308"
    assert cost(written, timedelta(minutes=31)) == written


def test_a_claim_that_a_stale_list_shows_again_is_not_paid_twice() -> None:
    gone = cost(cost(None, timedelta(0), machine()), HOUR)
    assert gone["total"] == "3.0600"
    back = cost(gone, 2 * HOUR, machine())
    assert back["total"] == "6.1200"
    assert len(back["nodes"]) == 1


def test_while_no_controller_ran_at_most_an_hour_is_guessed() -> None:
    first = cost(None, timedelta(0), machine())
    assert cost(first, timedelta(days=30))["total"] == "3.0600"
    # A machine that is still there has cost all the time.
    assert cost(first, timedelta(days=30), machine())["total"] == "2203.2000"


@pytest.mark.parametrize("minutes", [0, 1, 30, 59, 60, 61, 600])
def test_the_total_never_goes_down(minutes: int) -> None:
    before = cost(cost(None, timedelta(0), machine()), HOUR, machine())
    moment = HOUR + timedelta(minutes=minutes)
    for claims in ((), (machine(),), (machine("m2", NOW + HOUR),)):
        for after in (moment, moment - 2 * HOUR):
            found = cost(before, after, *claims, prices=listed(0.01))
            assert float(found["total"]) >= float(before["total"])


def test_another_price_counts_from_now_on() -> None:
    first = cost(None, timedelta(0), machine())
    dearer = cost(first, HOUR, machine(), prices=listed(4.0))
    assert dearer["nodes"][0] == {
        "claim": "ws-m1",
        "uid": "m1",
        "instanceType": INSTANCE,
        "pricePerHour": "4.0000",
        "since": "2026-01-01T13:00:00Z",
        "spent": "3.0600",
    }
    assert cost(dearer, 2 * HOUR, machine(), prices=listed(4.0))["total"] == "7.0600"


def test_a_recorded_price_does_not_replace_one_of_the_list() -> None:
    first = cost(None, timedelta(0), machine(), prices=listed(4.0))
    assert cost(first, HOUR, machine())["total"] == "4.0000"


def test_machines_that_went_long_ago_are_one_sum() -> None:
    recorded: Manifest | None = None
    for number in range(40):
        at = number * HOUR
        recorded = cost(recorded, at, machine(f"m{number}", NOW + at))
        recorded = cost(recorded, at + HOUR)
    assert recorded is not None
    assert recorded["total"] == "122.4000"
    assert len(recorded["nodes"]) == 8
    assert recorded["settled"] == "97.9200"


@pytest.mark.parametrize(
    "broken",
    [{"nodes": [{}]}, {"nodes": [{"claim": "a"}], "total": "x"}, {"asOf": "never"}, {"settled": 3}],
)
def test_a_status_that_somebody_edited_breaks_no_pass(broken: Manifest) -> None:
    assert cost(broken, HOUR, machine())["total"] == "3.0600"


def test_an_invalid_workspace_and_one_that_is_deleted_go_on_costing() -> None:
    first = cost(None, timedelta(0), machine())
    broken = inference_workspace(annotations={"kaito.sh/max-price-per-hour": "x"})
    deleted = {
        "deletionTimestamp": rfc3339(NOW - HOUR),
        "finalizers": ["workspace.finalizer.kaito.sh"],
    }
    for workspace, metadata in ((broken, {}), (inference_workspace(), deleted)):
        status: Manifest = {"cost": {**first, "asOf": rfc3339(NOW - HOUR)}, "conditions": []}
        status["cost"]["nodes"][0]["since"] = rfc3339(NOW - HOUR)
        seen = observation(stored({**workspace, "status": status}, **metadata), claims=(machine(),))
        written = decide(seen).status
        assert written is not None and written["cost"]["total"] == "3.0600"
