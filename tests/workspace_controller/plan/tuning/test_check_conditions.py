"""What the condition DataChecked says outlives the Job and the pod that it is about."""

from dataclasses import replace

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    claim,
    conditions_by_type,
    observation,
)
from tests.workspace_controller.plan.tuning.data_checks import (
    COMPLETE,
    CREATE,
    FAILED,
    REQUEST,
    a_check,
    actions,
    checked,
    checker,
    recorded,
    reported,
    unscheduled,
)
from workspace_controller.plan.decide import decide

PASSED = "the data can be trained on: 24 rows"
FOUND = {
    "passed": ("True", "DataChecked"),
    "skipped": ("Unknown", "DataCheckSkipped"),
}


@pytest.mark.parametrize(("status", "reason"), FOUND.values(), ids=FOUND)
@pytest.mark.parametrize("check", [None, a_check(deleting=True)], ids=["gone", "goes"])
def test_result_outlives_its_job(status: str, reason: str, check: Manifest | None) -> None:
    before = reported(status, reason, PASSED)
    assert actions(decide(observation(before, data_check=check))) == REQUEST
    plan = decide(observation(before, data_check=check, claims=(claim(0),)))
    assert actions(plan) == [] and plan.status is not None
    now = plan.status["conditions"][0]
    assert (now["type"], now["status"], now["message"]) == ("DataChecked", status, PASSED)


@pytest.mark.parametrize(("status", "reason"), FOUND.values(), ids=FOUND)
def test_result_about_an_earlier_spec_does_not_stand(status: str, reason: str) -> None:
    before = reported(status, reason, PASSED, generation=0)
    plan = decide(observation(before))
    assert REQUEST[0] not in actions(plan)
    if status == "Unknown":  # Its time would be that of the next check.
        assert "DataChecked" not in conditions_by_type(plan.status)
        before["status"] = plan.status
    assert actions(decide(observation(before))) == CREATE


@pytest.mark.parametrize(
    "check", [a_check(status=COMPLETE), a_check(status=FAILED)], ids=["passed", "skipped"]
)
def test_result_is_recorded_before_a_node_is_requested(check: Manifest) -> None:
    """The Job can be deleted right afterwards, and with it the only trace of the result."""
    first = checked(check=check)
    plan = decide(first)
    assert (actions(plan), plan.requeue_after_seconds) == ([], 0.1)
    assert actions(decide(replace(recorded(first), data_check=None))) == REQUEST


def test_summary_outlives_the_pod_that_reported_it() -> None:
    """An autoscaler removes the node, and with it the pod of the completed Job."""
    before = reported("True", "DataChecked", PASSED)
    check = a_check(status=COMPLETE)
    plan = decide(observation(before, data_check=check, claims=(claim(0),)))
    assert plan.status is not None
    assert plan.status["conditions"][0]["message"] == PASSED


REPLACED = {
    "no pod yet": ((), {"active": 1}),
    "no room for it": ((unscheduled(600),), None),
    "it runs": ((checker(seconds=600, running={}),), None),
}


@pytest.mark.parametrize(("pods", "status"), REPLACED.values(), ids=REPLACED)
def test_failure_stands_while_its_pod_is_replaced(
    pods: tuple[Manifest, ...], status: Manifest | None
) -> None:
    """Data that is known to be bad must not cost a GPU node because a node was drained."""
    before = reported("False", "DataUnreadable", "train.parquet is a web page")
    plan = decide(observation(before, data_check=a_check(status=status), pods=pods))
    assert actions(plan) == [] and plan.status is not None
    condition = plan.status["conditions"][0]
    assert (condition["reason"], condition["message"]) == (
        "DataUnreadable",
        "train.parquet is a web page",
    )
    assert plan.status["state"] == "Failed"


def test_failure_that_cannot_be_confirmed_stands_for_half_an_hour() -> None:
    before = reported("False", "DataUnreadable", "train.parquet is a web page")
    late = observation(before, data_check=a_check(), pods=(unscheduled(1801),))
    assert actions(decide(recorded(late))) == REQUEST
