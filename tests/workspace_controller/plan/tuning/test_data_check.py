"""When the check of the data exists, and when a node is requested."""

from typing import Any

import pytest

from kaito_api.conditions import rfc3339
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning
from kaito_kube.kinds import CONFIG_MAP, JOB, MACHINE
from tests.workspace_controller.given import (
    CONFIG,
    NOW,
    claim,
    conditions_by_type,
    inference_workspace,
    node,
    observation,
    resource,
    settings,
    tuning,
    tuning_workspace,
)
from tests.workspace_controller.plan.tuning.data_checks import (
    BROKEN,
    COMPLETE,
    CREATE,
    DELETE,
    REQUEST,
    a_check,
    actions,
    checked,
    checker,
    ended,
    recorded,
    reported,
    seen,
)
from workspace_controller.manifests.tuning_revision import job_revision
from workspace_controller.observed import Observed, Refusal, UserFile
from workspace_controller.plan.decide import decide

OTHER = UserFile("n", "mine", "k", CONFIG + "# edited")
MINE = tuning_workspace(tuning=tuning(config="mine"))
VOLUME = tuning(input={"volumeSource": {"emptyDir": {}}})
STEPS = {
    "before the first node": (seen(), CREATE),
    "data in an image": (seen(tuning_workspace(tuning=tuning(input={"image": "r/d:1"}))), CREATE),
    "while it runs": (checked(checker(running={})), []),
    "once it has passed": (recorded(checked(check=a_check(status=COMPLETE))), REQUEST),
    "after a failure": (checked(checker(terminated=ended(BROKEN))), []),
    "of another spec": (checked(check=a_check("old-1")), DELETE),
    "of another configuration": (
        seen(MINE, data_check=a_check(job_revision(Tuning.model_validate(MINE["tuning"]), CONFIG)),
             file=OTHER),
        DELETE,
    ),
    "that is being deleted": (checked(check=a_check("old-1", deleting=True)), []),
    "not of a volume, which can be bound to a node": (
        seen(tuning_workspace(tuning=VOLUME)), REQUEST,
    ),
    "not where the release checks nothing": (seen(settings=settings(data_check=False)), REQUEST),
    "not where the Workspace says so": (
        seen(tuning_workspace(annotations={"kaito.sh/data-check": "False"})), REQUEST,
    ),
    "not without tuning": (seen(inference_workspace()), REQUEST),
    "not for nodes that the user provides": (
        seen(tuning_workspace(resource=resource(instanceType=None)),
             settings=settings(node_provisioner="byo")),
        [],
    ),
    "not for a node that is requested": (seen(claims=(claim(0),)), []),
    "not beside a run": (
        seen(job={"metadata": a_check()["metadata"]}, data_check=a_check()), REQUEST,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("observed", "expected"), STEPS.values(), ids=STEPS)
def test_data_is_checked_before_a_node_is_requested(
    observed: Observed, expected: list[str]
) -> None:
    assert actions(decide(observed)) == expected


def test_check_beside_a_run_is_deleted_once_the_run_reads_the_data() -> None:
    run = {"metadata": {**a_check()["metadata"], "name": "ws"}}
    plan = decide(checked(checker(running={}), job=run, claims=(claim(0),)))
    assert [a.name for a in plan.actions if hasattr(a, "name")] == ["ws.data-check"]
    assert "DataChecked" not in conditions_by_type(plan.status)


def test_free_node_that_is_used_starts_the_run_without_a_check() -> None:
    made = [action.kind for action in decide(seen(nodes=(node("free"),))).actions]
    assert made.count(JOB) == 1 and CONFIG_MAP in made and MACHINE not in made


def test_nodes_wait_for_the_check_and_say_so() -> None:
    plan = decide(checked(checker(running={})))
    assert plan.status is not None
    assert conditions_by_type(plan.status) == {
        "DataChecked": "Unknown/DataCheckRunning",
        "MachineReady": "Unknown/WaitingForDataCheck",
        "NodesReady": "False/WaitingForDataCheck",
        "ResourceReady": "False/WaitingForDataCheck",
        "JobStarted": "Unknown/TuningPending",
        "CheckpointsKept": "False/CheckpointsOnNode",
        "TuningSucceeded": "Unknown/TuningPending",
        "InferenceReady": "False/InferencePending",
        "WorkspaceSucceeded": "Unknown/WorkspacePending",
        "WorkspaceReady": "False/WorkspacePending",
    }
    shown = {key: plan.status.get(key) for key in ("state", "progress", "nodes", "costPerHour")}
    assert shown == {
        "state": "Pending",
        "progress": "checking the data",
        "nodes": "0/1",
        "costPerHour": None,
    }
    assert [event.reason for event in plan.events] == ["DataCheckRunning", "CheckpointsOnNode"]


@pytest.mark.parametrize(("seconds", "expected"), [(60, CREATE), (121, REQUEST)])
def test_job_that_the_api_server_refuses_is_tried_for_two_minutes(
    seconds: float, expected: list[str]
) -> None:
    pending = reported("Unknown", "DataCheckPending", seconds=seconds)
    assert actions(decide(recorded(observation(pending)))) == expected


def test_status_says_why_there_was_no_check_of_a_run_whose_job_was_refused() -> None:
    pending = reported("Unknown", "DataCheckPending", seconds=121)
    plan = decide(observation(pending, claims=(claim(0),)))
    assert conditions_by_type(plan.status)["DataChecked"] == "Unknown/DataCheckSkipped"
    assert plan.status is not None
    message = plan.status["conditions"][0]["message"]
    assert message.startswith("the Job of the check cannot be created; nodes are requested without")


def test_name_that_is_taken_costs_no_node() -> None:
    """The run needs it as well, so it could not be created on the node either."""
    pending = reported("Unknown", "DataCheckPending", seconds=9000)
    taken = {"type": "ResourceReady", "status": "False", "reason": "NameTaken"}
    pending["status"]["conditions"].append(taken)
    assert actions(decide(observation(pending))) == CREATE


def test_refusal_is_reported_while_the_job_is_tried() -> None:
    refusal = Refusal(reason=Reason.CLUSTER_UNAVAILABLE, message="Job: exceeded quota")
    plan = decide(seen(refusal=refusal))
    assert conditions_by_type(plan.status)["ResourceReady"] == "False/ClusterUnavailable"
    assert conditions_by_type(plan.status)["DataChecked"] == "Unknown/DataCheckPending"


def test_next_check_has_a_time_of_its_own() -> None:
    """The condition goes before the Job, whatever happens to the process between the two.

    Otherwise a check that ran for a while would leave no time for that of a changed spec.
    """
    manifest = reported("Unknown", "DataCheckRunning")
    first = decide(observation(manifest, data_check=a_check("old-1")))
    assert actions(first) == [] and first.requeue_after_seconds == 0.1
    assert "DataChecked" not in conditions_by_type(first.status)
    manifest["status"] = first.status
    assert actions(decide(observation(manifest, data_check=a_check("old-1")))) == DELETE


def test_replaced_node_of_a_run_is_requested_without_a_check() -> None:
    run = {"metadata": {**a_check()["metadata"], "name": "ws"}}
    assert actions(decide(seen(job=run))) == REQUEST


def test_deleted_check_that_ran_for_long_is_created_again_and_has_its_time() -> None:
    """Its user can delete it, or whoever drains its node and cleans up."""
    manifest = reported("Unknown", "DataCheckRunning")
    first = decide(observation(manifest))
    assert actions(first) == [] and first.requeue_after_seconds == 0.1
    manifest["status"] = first.status
    second = decide(observation(manifest))
    assert actions(second) == CREATE
    assert second.status is not None
    assert second.status["conditions"][0]["lastTransitionTime"] == rfc3339(NOW)


OFF = {
    "by the release": {"settings": settings(data_check=False)},
    "by the annotation": {
        "manifest": tuning_workspace(annotations={"kaito.sh/data-check": "false"})
    },
}
STATES = {
    "before it": ({}, REQUEST),
    "while it runs": ({"data_check": a_check(), "pods": (checker(running={}),)}, REQUEST),
    "after a failure": (
        {"data_check": a_check(), "pods": (checker(terminated=ended(BROKEN)),)}, REQUEST,
    ),
    "once it has passed": ({"data_check": a_check(status=COMPLETE)}, REQUEST),
    "once a node is requested": ({"claims": (claim(0),)}, []),
    "while it runs beside a node": ({"data_check": a_check(), "claims": (claim(0),)}, DELETE),
}  # fmt: skip


@pytest.mark.parametrize("off", OFF.values(), ids=OFF)
@pytest.mark.parametrize(("changes", "expected"), STATES.values(), ids=STATES)
def test_check_can_be_turned_off_at_any_moment(
    off: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    assert actions(decide(recorded(seen(**off, **changes)))) == expected
