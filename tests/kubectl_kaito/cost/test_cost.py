import asyncio
from typing import Any

import pytest

from kaito_kube.kinds import INFERENCE_SET, MACHINE, WORKSPACE, Key
from tests.kubectl_kaito.console import Console
from tests.kubectl_kaito.reconciled import Reconciled, reconciled
from tests.workspace_controller.given import NAMESPACE, inference_workspace, resource
from tests.workspace_controller.inference_sets.given_sets import inference_set
from tests.workspace_controller.inference_sets.set_environment import SetEnvironment


def as_an_earlier_controller(made: Reconciled, name: str = "ws") -> Reconciled:
    """Takes `status.cost` away, which such a controller does not write."""
    made.environment.cluster.change(WORKSPACE, Key(NAMESPACE, name), {"status": {"cost": None}})
    return made


def rows(made: Reconciled) -> list[Any]:
    found: list[Any] = made.console.run("cost", "-A", "-o", "json").json["workspaces"]
    return found


def test_the_dearest_is_first_and_the_sums_are_below() -> None:
    dear = inference_workspace("dear", resource=resource(instanceType="Standard_NC24ads_A100_v4"))
    made = reconciled(inference_workspace("cheap"), dear).launch()
    made.environment.clock.advance(3600)
    result = made.console.run("cost")
    assert result.code == 0
    shown = [line.split() for line in result.out.splitlines()]
    assert [row[1] for row in shown[1:3]] == ["dear", "cheap"]
    assert "$6.73/h, $6." in result.out
    assert "about" not in result.out
    document = made.console.run("cost", "-A", "-o", "json").json
    assert document["pricePerHour"] == pytest.approx(6.73, abs=0.01)
    assert document["costSoFar"] == pytest.approx(
        sum(w["costSoFar"] for w in document["workspaces"])
    )
    assert [w["nodes"] for w in document["workspaces"]] == [1, 1]
    assert document["estimated"] == 0


def test_it_is_what_the_controller_has_recorded() -> None:
    made = reconciled(inference_workspace()).launch()
    recorded = made.environment.workspace()["status"]["cost"]
    (node,) = recorded["nodes"]
    made.environment.cluster.change(
        WORKSPACE,
        Key(NAMESPACE, "ws"),
        {
            "status": {
                "cost": {
                    "settled": "100.0000",
                    "nodes": [{**node, "pricePerHour": "2.0000", "spent": "10.0000"}],
                }
            }
        },
    )
    (before,) = rows(made)
    made.environment.clock.advance(1800)
    (after,) = rows(made)
    assert before["pricePerHour"] == 2.0
    assert before["costSoFar"] >= 110
    assert after["costSoFar"] - before["costSoFar"] == pytest.approx(1.0)
    assert recorded["prices"] in made.console.run("cost").out


def test_machines_that_are_gone_still_count() -> None:
    made = reconciled(inference_workspace()).launch()
    made.environment.clock.advance(3600)
    made.controller_pass()
    (claim,) = made.environment.cluster.objects(MACHINE)
    made.environment.cluster.change(MACHINE, Key("", claim["metadata"]["name"]), None)
    made.controller_pass()
    made.controller_pass()
    (row,) = rows(made)
    assert row["costSoFar"] >= 3.06


def test_claims_are_not_asked_for_where_the_cost_is_recorded() -> None:
    made = reconciled(inference_workspace()).launch()
    made.cluster.denied = {MACHINE}
    (row,) = rows(made)
    assert row["pricePerHour"] == 3.06
    assert row["costSoFar"] is not None


def test_a_controller_that_records_nothing_is_made_up_for_and_named() -> None:
    made = as_an_earlier_controller(reconciled(inference_workspace()))
    made.environment.clock.advance(3600)
    result = made.console.run("cost")
    assert "about $3." in result.out
    assert result.out.splitlines()[-1] == (
        "1 Workspace (all of them): the controller records no cost (status.cost), so it is the "
        "recorded price of the present claims times their age."
    )
    assert [row["estimated"] for row in rows(made)] == [True]


def test_some_may_be_recorded_and_others_not() -> None:
    made = reconciled(inference_workspace("new"), inference_workspace("old"))
    as_an_earlier_controller(made, "old")
    result = made.console.run("cost")
    lines = {line.split()[1]: line for line in result.out.splitlines()[1:3]}
    assert "about" in lines["old"] and "about" not in lines["new"]
    assert "1 Workspace (those with about)" in result.out


def test_claims_that_may_not_be_read_leave_an_estimate_unknown() -> None:
    made = as_an_earlier_controller(reconciled(inference_workspace()))
    made.cluster.denied = {MACHINE}
    (row,) = rows(made)
    assert row["costSoFar"] is None
    assert row["pricePerHour"] == 3.06


def test_a_workspace_that_has_launched_nothing_has_cost_nothing() -> None:
    made = Reconciled().apply(inference_workspace()).rounds(2)
    assert made.environment.cluster.objects(MACHINE)
    (row,) = rows(made)
    assert (row["costSoFar"], row["nodes"], row["estimated"]) == (0.0, 0, False)


def test_replicas_are_shown_below_their_inference_set() -> None:
    sets = SetEnvironment()
    sets.environment.cluster.seed(INFERENCE_SET, inference_set(replicas=2))
    asyncio.run(sets.settle())
    sets.environment.apply(inference_workspace("single"))
    asyncio.run(sets.settle())
    console = Reconciled(sets.environment).launch().console
    lines = [line.split() for line in console.run("cost", "-A").out.splitlines()]
    assert lines[1][:5] == ["team", "InferenceSet", "phi", "2", "replicas"]
    assert [line[1] for line in lines[2:5]] == [*sorted(line[1] for line in lines[2:4]), "single"]
    document = console.run("cost", "-A", "-o", "json").json
    (found,) = document["inferenceSets"]
    own = [w for w in document["workspaces"] if w["inferenceSet"] == "phi"]
    assert found["replicas"] == len(own) == 2
    assert found["pricePerHour"] == pytest.approx(sum(w["pricePerHour"] for w in own))
    assert (found["pricePerHour"], found["nodes"]) == (6.12, 2)


def test_nothing_costs_nothing() -> None:
    assert Console().run("cost").out == "No Workspaces found.\n"
