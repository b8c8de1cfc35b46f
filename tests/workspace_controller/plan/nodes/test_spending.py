"""Which nodes may not be requested, because of what they cost."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import Manifest
from kaito_skus.price_sheet import Price, PriceSheet
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import (
    NAMESPACE,
    claim,
    conditions_by_type,
    inference_workspace,
    node,
    observation,
    own_node,
    resource,
    stored,
)
from workspace_controller.observed import Budget, Observed, SpendingWorkspace
from workspace_controller.plan.admission_problems import admission_problems
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Create

LABEL = f"metadata.labels[{labels.MAX_PRICE_PER_HOUR}]"
ANNOTATION = f"metadata.annotations[{labels.MAX_PRICE_PER_HOUR}]"
RECORDED = "recorded 2025, eastus: approximate pay-as-you-go list prices, Linux"
DEARER = PriceBook(
    PriceSheet("eastus", {"Standard_NC6s_v3": Price(3.5)}, datetime(2026, 11, 28, tzinfo=UTC))
)


def limited(limit: str | None = None, **changes: Any) -> Observed:
    # With it, resource.count decides how many nodes there are.
    annotations = {labels.BYPASS_RESOURCE_CHECKS: "true"}
    if limit is not None:
        annotations[labels.MAX_PRICE_PER_HOUR] = limit
    made = inference_workspace(
        annotations=annotations, resource=changes.pop("resource", resource())
    )
    return observation(stored(made, creationTimestamp="2026-01-01T10:00:00Z"), **changes)


def requests(observed: Observed) -> int:
    return sum(isinstance(action, Create) for action in decide(observed).actions)


def problem(observed: Observed) -> str:
    """What the webhook says; a pass has to say the same of the same Workspace."""
    found = [str(each) for each in admission_problems(observed)]
    status = decide(observed).status
    if found:
        assert requests(observed) == 0
        assert _resource(status)["message"] == found[0]
    return "\n".join(found)


def _resource(status: Manifest | None) -> Manifest:
    assert status is not None
    return next(c for c in status["conditions"] if c["type"] == "ResourceReady")


@pytest.mark.parametrize("limit", [None, "3.06", "3.0600", "4", "100"])
def test_nodes_within_the_limit_are_requested(limit: str | None) -> None:
    observed = limited(limit)
    assert (problem(observed), requests(observed)) == ("", 1)


def test_a_dearer_node_is_refused_with_limit_price_source_and_remedy() -> None:
    assert problem(limited("3.05")) == (
        f"{ANNOTATION}: $3.05 an hour is less than $3.06 an hour for 1 Standard_NC6s_v3 "
        f"({RECORDED}): raise it, or choose a cheaper resource.instanceType; no node is requested "
        "until then"
    )


def test_a_refused_workspace_waits_and_shows_no_cost() -> None:
    plan = decide(limited("1"))
    assert plan.status is not None
    assert plan.status["state"] == "Pending"
    assert "costPerHour" not in plan.status and "progress" not in plan.status
    assert conditions_by_type(plan.status) == {
        "MachineReady": "False/PriceOverLimit",
        "NodesReady": "False/PriceOverLimit",
        "ResourceReady": "False/PriceOverLimit",
        "InferenceReady": "False/InferencePending",
        "WorkspaceSucceeded": "Unknown/WorkspacePending",
        "WorkspaceReady": "False/WorkspacePending",
    }
    assert plan.requeue_after_seconds == 30
    assert [event.reason for event in plan.events] == ["PriceOverLimit"]
    assert all(event.warning for event in plan.events)


def test_a_price_that_rose_since_the_plan_is_refused() -> None:
    assert requests(limited("3.06")) == 1
    refused = problem(limited("3.06", prices=DEARER))
    assert "$3.50 an hour for 1 Standard_NC6s_v3 (Azure Retail Prices API, eastus, read" in refused


def test_the_limit_is_for_all_nodes_of_the_workspace() -> None:
    two = resource(count=2)
    assert "$6.12 an hour for 2 Standard_NC6s_v3" in problem(limited("4", resource=two))
    # One of them exists: the second would still make it too dear.
    one = limited("4", resource=two, claims=(claim(0),))
    assert requests(one) == 0 and "for 2 Standard" in problem(one)


def test_existing_nodes_are_left_alone_whatever_they_cost() -> None:
    """Neither limit nor budget deletes a node, and the webhook lets the lower limit pass."""
    budget = Budget({LABEL: "0"})
    for seen in (
        limited("0.01", budget=budget, claims=(claim(0, Ready="True"),), nodes=(own_node(),)),
        limited("0.01", budget=budget, nodes=(node("free"),)),
    ):
        assert problem(seen) == ""
        assert not any(type(action).__name__ == "Delete" for action in decide(seen).actions)


@pytest.mark.parametrize("text", ["$3", "three", "", "-1", "1e9", "3,50"])
def test_a_limit_that_is_no_amount_is_refused(text: str) -> None:
    assert problem(limited(text)) == (
        f"{ANNOTATION}: {text!r} is no amount: write US dollars per hour as a decimal number "
        "without a sign, for example 3.50"
    )


def test_an_unknown_price_is_no_promise() -> None:
    unknown = inference_workspace(
        resource=resource(instanceType="Standard_XYZ"),
        annotations={labels.MAX_PRICE_PER_HOUR: "99", labels.BYPASS_RESOURCE_CHECKS: "true"},
    )
    assert "the price of Standard_XYZ is not known" in problem(observation(stored(unknown)))
    free = observation(stored({**unknown, "metadata": {**unknown["metadata"], "annotations": {
        labels.BYPASS_RESOURCE_CHECKS: "true"}}}))  # fmt: skip
    assert requests(free) == 1
    assert "is not known" in problem(observation(free.workspace, budget=Budget({LABEL: "99"})))


def other(
    name: str,
    created: str = "2026-01-01T09:00:00Z",
    *,
    nodes: int = 0,
    nodes_price: float = 0,
    missing_price: float = 0,
) -> SpendingWorkspace:
    return SpendingWorkspace(
        name=name,
        created=created,
        uid=name,
        nodes=nodes,
        nodes_price=Decimal(str(nodes_price)),
        missing_price=Decimal(str(missing_price)),
    )


SPENT = other("a", nodes=1, nodes_price=3.06)


def test_the_sum_of_the_namespace_is_refused_in_words() -> None:
    observed = limited(budget=Budget({LABEL: "6"}, (SPENT,)))
    assert problem(observed) == (
        f"Namespace {NAMESPACE}, {LABEL}: $6.00 an hour is less than $6.12, the sum with this "
        f"Workspace (now a $3.06), which is $3.06 an hour for 1 Standard_NC6s_v3 ({RECORDED}): "
        "delete a Workspace, choose a cheaper resource.instanceType, or raise the limit; no node "
        "is requested until then"
    )
    assert conditions_by_type(decide(observed).status)["ResourceReady"] == "False/BudgetExceeded"


OLDER, YOUNGER = "2026-01-01T09:00:00Z", "2026-01-01T11:00:00Z"


@pytest.mark.parametrize(
    ("limit", "others", "fits"),
    [
        ("6.12", [SPENT], True),
        ("6.1199", [SPENT], False),
        ("0", [], False),
        # Who waits and is older comes first, and who is younger does not.
        ("5", [other("a", OLDER, missing_price=3)], False),
        ("5", [other("a", YOUNGER, missing_price=3)], True),
        # A Workspace that has a node comes before older ones that have none.
        ("7", [other("a", YOUNGER, nodes=1, nodes_price=1, missing_price=3)], False),
        # Who does not fit lets the next one pass.
        ("5", [other("a", OLDER, missing_price=90)], True),
        ("7", [other("a", OLDER, missing_price=90), other("b", OLDER, missing_price=4)], False),
    ],
)
def test_the_order_decides_who_gets_the_rest(
    limit: str, others: list[SpendingWorkspace], fits: bool
) -> None:
    observed = limited(budget=Budget({LABEL: limit}, tuple(others)))
    assert (problem(observed) == "") is fits


def test_of_the_same_second_the_uid_decides() -> None:
    """Each of two is told the same order, so that exactly one of them fits."""
    own = limited(
        budget=Budget({LABEL: "5"}, (other("a", "2026-01-01T10:00:00Z", missing_price=3),))
    )
    assert (problem(own) == "") is (own.owner.uid < "a")


@pytest.mark.parametrize("fields", [{LABEL: "9", ANNOTATION: "3"}, {LABEL: "3", ANNOTATION: "9"}])
def test_of_label_and_annotation_the_lower_counts(fields: dict[str, str]) -> None:
    assert "$3.00 an hour is less than $3.06" in problem(limited(budget=Budget(fields)))


def test_a_budget_that_is_no_amount_requests_nothing() -> None:
    observed = limited(budget=Budget({LABEL: "ten"}))
    assert problem(observed) == (
        f"Namespace {NAMESPACE}, {LABEL}: 'ten' is no amount: write US dollars per hour as a "
        "decimal number without a sign, for example 3.50; no node is requested until then"
    )
    assert conditions_by_type(decide(observed).status)["ResourceReady"] == "False/BudgetInvalid"


def test_many_workspaces_are_named_in_part() -> None:
    crowd = tuple(other(f"w{n:03}", nodes=1, nodes_price=1) for n in range(500))
    text = problem(limited(budget=Budget({LABEL: "6"}, crowd)))
    assert "w007 $1.00, 492 others $492.00)" in text
    assert len(text) < 1024


@pytest.mark.parametrize(
    ("spot", "fits"), [({"karpenter.sh/capacity-type": "spot"}, True), ({}, False)]
)
def test_a_spot_machine_has_the_spot_price(spot: dict[str, str], fits: bool) -> None:
    sheet = PriceSheet("eastus", {"Standard_NC6s_v3": Price(3.5, 0.8)}, datetime.now(UTC))
    selector = {"matchLabels": {"app": "phi", **spot}}
    observed = limited("1", resource=resource(labelSelector=selector), prices=PriceBook(sheet))
    assert (problem(observed) == "") is fits
