import pytest

from kaito_kube.kinds import MACHINE
from tests.kubectl_kaito.console import Console
from tests.kubectl_kaito.reconciled import reconciled
from tests.workspace_controller.given import inference_workspace, resource


def test_the_dearest_is_first_and_the_sums_are_below() -> None:
    dear = inference_workspace("dear", resource=resource(instanceType="Standard_NC24ads_A100_v4"))
    made = reconciled(inference_workspace("cheap"), dear)
    made.environment.clock.advance(3600)
    result = made.console.run("cost")
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert [row[1] for row in rows[1:3]] == ["dear", "cheap"]
    assert result.out.splitlines()[-1].startswith("$6.73/h, $6.")
    document = made.console.run("cost", "-A", "-o", "json").json
    assert document["pricePerHour"] == pytest.approx(6.73, abs=0.01)
    assert document["costSoFar"] == pytest.approx(
        sum(w["costSoFar"] for w in document["workspaces"])
    )
    assert [w["nodes"] for w in document["workspaces"]] == [1, 1]


def test_claims_that_may_not_be_read_leave_the_cost_unknown() -> None:
    made = reconciled(inference_workspace())
    made.cluster.denied = {MACHINE}
    document = made.console.run("cost", "-o", "json").json
    assert document["workspaces"][0]["costSoFar"] is None
    assert document["pricePerHour"] == 3.06


def test_nothing_costs_nothing() -> None:
    assert Console().run("cost").out == "No Workspaces found.\n"
