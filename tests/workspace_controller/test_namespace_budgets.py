"""The limit of a namespace, over whole passes: concurrent ones, and of several processes."""

import asyncio
from typing import Any

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from kaito_skus.price_sheet import Price, PriceSheet
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import NAMESPACE, NOW, inference_workspace, resource, settings
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.settling import conditions
from workspace_controller.namespace_budgets import limits_of
from workspace_controller.webhook.validator import Validator

BUDGET = labels.MAX_PRICE_PER_HOUR


def namespace(limit: str | None, name: str = NAMESPACE) -> Manifest:
    return {"metadata": {"name": name, "labels": {BUDGET: limit} if limit is not None else {}}}


def limited(limit: str | None) -> Environment:
    environment = Environment()
    environment.cluster.seed(kinds.NAMESPACE, namespace(limit))
    return environment


def serving(name: str, **changes: Any) -> Manifest:
    selector = {"matchLabels": {"app": name}}
    return inference_workspace(
        name,
        # With it, resource.count decides how many nodes there are.
        annotations={labels.BYPASS_RESOURCE_CHECKS: "true"},
        resource=resource(labelSelector=selector, **changes),
    )


def claimed(environment: Environment) -> list[str]:
    claims = environment.cluster.objects(kinds.MACHINE)
    return sorted(each["metadata"]["labels"][labels.WORKSPACE] for each in claims)


async def test_two_concurrent_passes_do_not_both_spend_the_rest() -> None:
    environment = limited("4")
    for name in ("a", "b"):
        environment.apply(serving(name))
    replica = environment.replica
    replica.look()
    await asyncio.gather(
        *(replica.reconciler.reconcile(key) for key in replica.store.keys(kinds.WORKSPACE))
    )
    assert len(claimed(environment)) == 1


async def test_a_pass_counts_what_an_earlier_one_requested_before_the_store_shows_it() -> None:
    environment = limited("4")
    first, second = (kinds.key_of(environment.apply(serving(name))) for name in ("a", "b"))
    replica = environment.replica
    replica.look()
    await replica.reconciler.reconcile(first)
    # No look in between: the store has neither the claim nor a status of the first.
    await replica.reconciler.reconcile(second)
    assert claimed(environment) == ["a"]
    assert conditions(environment.workspace("b"))["ResourceReady"] == "False/BudgetExceeded"


async def test_a_new_process_counts_the_claims_that_it_finds() -> None:
    environment = limited("4")
    for name in ("a", "b"):
        environment.apply(serving(name))
    environment.replica.look()
    keys = environment.replica.store.keys(kinds.WORKSPACE)
    await environment.replica.reconciler.reconcile(sorted(keys)[0])
    for _ in range(3):
        environment.replica = environment.new_replica()
        await environment.replica.round()
    assert claimed(environment) == ["a"]


async def test_the_rest_goes_to_the_oldest_when_a_workspace_goes() -> None:
    environment = limited("4")
    for name in ("a", "c", "b"):
        environment.apply(serving(name))
        environment.clock.advance(5)
    await environment.settle()
    assert claimed(environment) == ["a"]
    marked = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    environment.cluster.change(kinds.WORKSPACE, kinds.Key(NAMESPACE, "a"), marked)
    await environment.settle(60)
    assert claimed(environment) == ["c"]


async def test_a_raised_budget_lets_the_next_one_in_and_a_lowered_one_deletes_nothing() -> None:
    environment = limited("4")
    for name in ("a", "b"):
        environment.apply(serving(name))
    await environment.settle()
    assert claimed(environment) == ["a"]
    change = {"metadata": {"labels": {BUDGET: "7"}}}
    environment.cluster.change(kinds.NAMESPACE, kinds.Key("", NAMESPACE), change)
    await environment.settle()
    assert claimed(environment) == ["a", "b"]
    change = {"metadata": {"labels": {BUDGET: "1"}}}
    environment.cluster.change(kinds.NAMESPACE, kinds.Key("", NAMESPACE), change)
    await environment.settle()
    assert claimed(environment) == ["a", "b"]
    assert conditions(environment.workspace("b"))["WorkspaceReady"] == "True/WorkspaceReady"


async def test_other_namespaces_and_namespaces_without_a_limit_do_not_count() -> None:
    environment = limited(None)
    environment.cluster.seed(kinds.NAMESPACE, namespace("0", "other"))
    for name in ("a", "b"):
        environment.apply(serving(name))
    await environment.settle()
    assert claimed(environment) == ["a", "b"]


async def test_a_namespace_that_the_store_lacks_is_read() -> None:
    environment = limited("0")
    environment.apply(serving("a"))
    replica = environment.replica
    replica.look()
    replica.store.replace_all(kinds.NAMESPACE, ())
    await replica.reconciler.reconcile(kinds.Key(NAMESPACE, "a"))
    assert claimed(environment) == []


async def test_the_webhook_of_a_standby_says_the_sum() -> None:
    environment = limited("4")
    environment.apply(serving("a"))
    await environment.settle()
    standby = environment.new_replica()
    standby.look()
    candidate = serving("b")
    candidate["metadata"]["uid"] = "new"
    (problem,) = await Validator(standby.reconciler.observer).check(candidate)
    assert "$4.00 an hour is less than $6.12, the sum with this Workspace (now a $3.06)" in str(
        problem
    )


async def test_nodes_that_are_being_deleted_still_cost() -> None:
    environment = limited("4")
    environment.apply(serving("a"))
    await environment.settle()
    (machine,) = environment.cluster.objects(kinds.MACHINE)
    key = kinds.Key(NAMESPACE, "a")
    environment.cluster.change(kinds.WORKSPACE, key, {"metadata": {"finalizers": None}})
    environment.cluster.change(kinds.WORKSPACE, key, None)
    assert machine["metadata"]["finalizers"]
    environment.apply(serving("b"))
    replica = environment.replica
    replica.look()
    await replica.reconciler.reconcile(kinds.Key(NAMESPACE, "b"))
    assert claimed(environment) == ["a"]
    await environment.settle(60)
    assert claimed(environment) == ["b"]


async def test_what_others_cost_follows_the_price_list() -> None:
    environment = limited("6.20")
    sheet = PriceSheet("eastus", {"Standard_NC6s_v3": Price(3.2)}, NOW)
    for name in ("a", "b"):
        environment.apply(serving(name))
    environment.replica.prices = PriceBook(sheet)
    await environment.settle()
    assert claimed(environment) == ["a"]
    environment.replica.prices = PriceBook()
    await environment.settle()
    assert claimed(environment) == ["a", "b"]


@pytest.mark.parametrize("count", [1, 2])
async def test_a_pool_of_karpenter_counts_its_replicas(count: int) -> None:
    environment = Environment(settings(node_provisioner="nodepool"))
    environment.cluster.seed(kinds.NAMESPACE, namespace("7"))
    environment.apply(serving("a", count=count))
    environment.clock.advance(5)
    environment.apply(serving("b"))
    replica = environment.replica
    for _ in range(3):
        await replica.round()
    pools = environment.cluster.objects(kinds.NODE_POOL)
    assert len(pools) == (2 if count == 1 else 1)


def test_label_and_annotation_are_both_read() -> None:
    found = limits_of({"metadata": {"labels": {BUDGET: "1"}, "annotations": {BUDGET: "2"}}})
    assert found == {f"metadata.labels[{BUDGET}]": "1", f"metadata.annotations[{BUDGET}]": "2"}
    assert limits_of({"metadata": {}}) == limits_of(None) == {}
