"""The check of the data: when it is done, what it reports, and when nodes do not wait for it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kaito_api.conditions import rfc3339
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning
from kaito_kube.kinds import CONFIG_MAP, JOB, MACHINE, Manifest
from tests.workspace_controller.given import (
    CONFIG,
    NOW,
    claim,
    conditions_by_type,
    container,
    inference_workspace,
    node,
    observation,
    pod,
    resource,
    settings,
    stored,
    tuning,
    tuning_workspace,
)
from workspace_controller.manifests.tuning_revision import job_revision
from workspace_controller.observed import Observed, Refusal, UserFile
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Plan

CURRENT = job_revision(Tuning.model_validate(tuning()), CONFIG)
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
BROKEN = {"reason": "DataUnreadable", "message": "train.parquet is a web page", "retryable": False}
AWAY = {"reason": "DataUnreachable", "message": "data.example does not answer", "retryable": True}


def ago(seconds: float) -> str:
    return rfc3339(NOW - timedelta(seconds=seconds))


def a_check(
    revision: str = CURRENT,
    *,
    seconds: float = 10,
    deleting: bool = False,
    status: Manifest | None = None,
) -> Manifest:
    metadata: Manifest = {
        "name": "ws.data-check",
        "uid": "job-1",
        "creationTimestamp": ago(seconds),
        "annotations": {"workspace.kaito.io/revision": revision},
    }
    if deleting:
        metadata["deletionTimestamp"] = ago(1)
    return {"metadata": metadata, "status": status or {}}


def checker(*, seconds: float = 10, last: Manifest | None = None, **state: Any) -> Manifest:
    """A pod of the check that was created so long ago."""
    made = pod("data-check", containerStatuses=[container("data-checker", last=last, **state)])
    made["metadata"]["creationTimestamp"] = ago(seconds)
    return made


def ended(report: Manifest) -> Manifest:
    return {"exitCode": 1, "message": json.dumps(report)}


def reported(
    status: str, reason: str, message: str = "", *, seconds: float = 900, generation: int = 1
) -> Manifest:
    """A Workspace whose status has that condition DataChecked since so long ago."""
    condition = {
        "type": "DataChecked",
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": ago(seconds),
        "observedGeneration": generation,
    }
    return {**stored(tuning_workspace()), "status": {"conditions": [condition]}}


def unscheduled(seconds: float) -> Manifest:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "message": "0/3 nodes are available: 3 had untolerated taint sku=gpu",
        "lastTransitionTime": ago(seconds),
    }
    made = pod("data-check", conditions=[condition])
    made["metadata"]["creationTimestamp"] = ago(seconds)
    return made


def seen(manifest: Manifest | None = None, **changes: Any) -> Observed:
    return observation(stored(manifest or tuning_workspace()), **changes)


def checked(*pods: Manifest, check: Manifest | None = None, **changes: Any) -> Observed:
    return seen(data_check=check or a_check(), pods=pods, **changes)


def actions(plan: Plan) -> list[str]:
    """What is done about nodes and Jobs; the Service is created beside them."""
    made = [f"{type(action).__name__.lower()} {action.kind}" for action in plan.actions]
    return [text for text in made if "Service" not in text]


def recorded(observed: Observed) -> Observed:
    """The same, once a pass has written its status."""
    plan = decide(observed)
    if plan.status is None:
        return observed
    return replace(observed, workspace={**observed.workspace, "status": plan.status})


CREATE, REQUEST, DELETE = ["apply ConfigMap", "create Job"], ["create Machine"], ["delete Job"]
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
    assert [event.reason for event in plan.events] == ["DataCheckRunning"]


SUMMARY = "24 rows, about 360 tokens; 72 steps"


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"data": {"summary": SUMMARY}}, f"the data can be trained on: {SUMMARY}"),
        ({"data": {"summary": 7}}, "the data can be trained on"),
        ({"data": [SUMMARY]}, "the data can be trained on"),
        ({}, "the data can be trained on"),
    ],
    ids=["a summary", "a number", "a list", "nothing"],
)
def test_condition_says_what_the_data_holds(report: Manifest, message: str) -> None:
    end = {"exitCode": 0, "message": json.dumps(report)}
    check = a_check(status=COMPLETE)
    plan = decide(checked(checker(terminated=end), check=check, claims=(claim(0),)))
    assert plan.status is not None
    (condition,) = [c for c in plan.status["conditions"] if c["type"] == "DataChecked"]
    assert (condition["status"], condition["message"]) == ("True", message)


@pytest.mark.parametrize(
    ("report", "state", "ready"),
    [(BROKEN, "Failed", "WorkspaceFailed"), (AWAY, "Pending", "WorkspacePending")],
    ids=["permanent", "retried"],
)
def test_failure_of_the_check_is_the_failure_of_the_run(
    report: Manifest, state: str, ready: str
) -> None:
    plan = decide(checked(checker(terminated=ended(report))))
    assert plan.status is not None
    reported = conditions_by_type(plan.status)
    failed = f"False/{report['reason']}"
    assert (reported["DataChecked"], reported["TuningSucceeded"]) == (failed, failed)
    assert reported["WorkspaceReady"] == f"False/{ready}"
    assert (plan.status["state"], plan.status.get("progress")) == (state, None)
    last = plan.status["conditions"][-1]
    assert last["message"] == f"DataChecked: {report['message']}"
    # A corrected ConfigMap is not watched.
    assert plan.requeue_after_seconds == 10.0


DENIED = {"reason": "PushUnauthorized", "message": "the secret 'push' holds no credentials"}
TAKEN = {"reason": "PushFailed", "message": "phi:1 is already another image", "retryable": True}
READ = {"exitCode": 0, "message": json.dumps({"data": {"summary": "15,011 rows, 360 steps"}})}


def both(data: Manifest, push: Manifest) -> Manifest:
    statuses = [container("push-checker", **push), container("data-checker", **data)]
    made = pod("data-check", containerStatuses=statuses)
    made["metadata"]["creationTimestamp"] = ago(10)
    return made


@pytest.mark.parametrize("report", [DENIED, TAKEN], ids=["secret", "tag"])
def test_push_that_would_fail_costs_no_node(report: Manifest) -> None:
    plan = decide(checked(both({"terminated": READ}, {"terminated": ended(report)})))
    assert actions(plan) == []
    reported = conditions_by_type(plan.status)
    assert reported["DataChecked"] == "True/DataChecked"
    assert reported["TuningSucceeded"] == f"False/{report['reason']}"
    assert plan.status is not None
    assert plan.status["conditions"][0]["message"].endswith(": 15,011 rows, 360 steps")
    assert plan.status["conditions"][-1]["message"] == f"TuningSucceeded: {report['message']}"


def test_push_is_judged_while_the_data_is_still_read() -> None:
    plan = decide(checked(both({"running": {}}, {"terminated": ended(DENIED)})))
    reported = conditions_by_type(plan.status)
    assert reported["DataChecked"] == "Unknown/DataCheckRunning"
    assert reported["TuningSucceeded"] == "False/PushUnauthorized"


def test_failure_of_the_data_is_reported_before_that_of_the_push() -> None:
    plan = decide(checked(both({"terminated": ended(BROKEN)}, {"terminated": ended(DENIED)})))
    assert conditions_by_type(plan.status)["TuningSucceeded"] == "False/DataUnreadable"


def test_failure_stands_while_the_check_is_repeated() -> None:
    again = checker(seconds=3000, last=ended(AWAY), running={"startedAt": ago(900)})
    plan = decide(checked(again, check=a_check(seconds=3000)))
    assert conditions_by_type(plan.status)["DataChecked"] == "False/DataUnreachable"
    assert actions(plan) == []


def test_failure_that_comes_after_the_node_was_requested_is_reported() -> None:
    plan = decide(checked(checker(terminated=ended(BROKEN)), claims=(claim(0),)))
    reported = conditions_by_type(plan.status)
    assert reported["TuningSucceeded"] == "False/DataUnreadable"
    assert reported["MachineReady"] == "Unknown/CreatingNodes"


def test_image_of_the_data_that_cannot_be_pulled_is_a_failure() -> None:
    manifest = tuning_workspace(tuning=tuning(input={"image": "r/data:1"}))
    revision = job_revision(Tuning.model_validate(manifest["tuning"]), CONFIG)
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "r/data:1"'}
    pulls = checker(seconds=3000, waiting=waiting)
    plan = decide(seen(manifest, data_check=a_check(revision), pods=(pulls,)))
    assert conditions_by_type(plan.status)["DataChecked"] == "False/ImagePullFailed"
    assert actions(plan) == []


NO_PULL = {"reason": "ErrImagePull", "message": "registry.local answers 500"}
EVICTED = pod("data-check", phase="Failed", reason="Evicted", message="exceeds its local storage")
FAILED = {"conditions": [{"type": "Failed", "status": "True", "message": "a policy ended it"}]}

OBSTACLES = {
    "no node has room": (checked(unscheduled(121)), "untolerated taint sku=gpu"),
    "the tuner's image": (checked(checker(seconds=121, waiting=NO_PULL)), "answers 500"),
    "no pod is created": (checked(check=a_check(seconds=121)), "no pod yet"),
    "it takes too long": (checked(checker(seconds=1801, running={})), "longer than 30 minutes"),
    "it is killed for its memory": (
        checked(checker(terminated={"exitCode": 137, "reason": "OOMKilled"})), "memory",
    ),
    "it crashes": (checked(checker(terminated={"exitCode": 3, "message": "bug"})), "bug"),
    "a bug of the tuner": (
        checked(checker(terminated=ended({"reason": "TrainingFailed", "message": "KeyError"}))),
        "KeyError",
    ),
    "it exceeds the node's disk": (checked(EVICTED), "local storage"),
    "the Job fails": (checked(check=a_check(status=FAILED)), "a policy ended it"),
}  # fmt: skip


@pytest.mark.parametrize(("observed", "why"), OBSTACLES.values(), ids=OBSTACLES)
def test_check_that_cannot_be_done_does_not_hold_nodes(observed: Observed, why: str) -> None:
    assert actions(decide(recorded(observed))) == REQUEST
    requested = decide(_with_claim(observed))
    assert requested.status is not None
    found = requested.status["conditions"][0]
    assert (found["type"], found["status"]) == ("DataChecked", "Unknown")
    assert found["reason"] == "DataCheckSkipped" and why in found["message"]
    assert "nodes are requested without the check" in found["message"]
    # It keeps nothing waiting, so the summary names what does.
    assert requested.status["conditions"][-1]["message"].startswith("MachineReady: ")


def _with_claim(observed: Observed) -> Observed:
    changes = {"data_check": observed.data_check, "pods": observed.pods, "claims": (claim(0),)}
    return observation(observed.workspace, **changes)


WAITS = {
    "no node has room yet": (checked(unscheduled(60)), 60.0),
    "the scheduler has just begun": (checked(unscheduled(4)), 1796.0),
    "its pod was lost": (checked(check=a_check(seconds=9000, status={"active": 1})), 120.0),
    "it runs": (checked(checker(seconds=1700, running={})), 100.0),
    "its pod was stopped": (
        checked(checker(terminated=ended({"reason": "TrainingStopped", "message": "signal"}))),
        1790.0,
    ),
}


@pytest.mark.parametrize(("observed", "seconds"), WAITS.values(), ids=WAITS)
def test_check_without_a_result_is_judged_again(observed: Observed, seconds: float) -> None:
    plan = decide(observed)
    assert actions(plan) == []
    assert plan.requeue_after_seconds == seconds


def test_message_says_what_keeps_the_check_from_running() -> None:
    plan = decide(checked(unscheduled(60)))
    assert plan.status is not None
    message = plan.status["conditions"][0]["message"]
    assert message.startswith("checking the data before nodes are requested: 0/3 nodes")


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


@pytest.mark.parametrize(
    ("pods", "why"),
    [((checker(running={}),), "the check is not finished yet"), ((unscheduled(60),), "0/3 nodes")],
    ids=["runs", "no room"],
)
def test_check_that_goes_on_beside_the_nodes_holds_nothing_up(
    pods: tuple[Manifest, ...], why: str
) -> None:
    plan = decide(checked(*pods, claims=(claim(0),)))
    assert plan.status is not None and plan.requeue_after_seconds is None
    condition, ready = plan.status["conditions"][0], plan.status["conditions"][-1]
    assert condition["reason"] == "DataCheckSkipped"
    assert condition["message"].startswith(f"{why}") and "without the check" in condition["message"]
    assert ready["message"].startswith("MachineReady: ")


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
