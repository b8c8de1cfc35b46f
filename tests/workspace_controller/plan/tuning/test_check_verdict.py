"""What the pods of a check say: what it has found, and what keeps it from finding anything."""

import json

import pytest

from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    CONFIG,
    claim,
    conditions_by_type,
    container,
    observation,
    pod,
    tuning,
    tuning_workspace,
)
from tests.workspace_controller.plan.tuning.data_checks import (
    AWAY,
    BROKEN,
    COMPLETE,
    FAILED,
    REQUEST,
    a_check,
    actions,
    ago,
    checked,
    checker,
    ended,
    recorded,
    reported,
    seen,
    unscheduled,
)
from workspace_controller.manifests.tuning_revision import job_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.decide import decide

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


SUCCEEDED = pod("data-check", phase="Succeeded")
SUCCEEDED["metadata"]["creationTimestamp"] = ago(3600)
WAITS = {
    "no node has room yet": (checked(unscheduled(60)), 60.0),
    "the scheduler has just begun": (checked(unscheduled(4)), 1796.0),
    "its pod was lost": (checked(check=a_check(seconds=9000, status={"active": 1})), 120.0),
    "it runs": (checked(checker(seconds=1700, running={})), 100.0),
    "it has just succeeded, after a long time": (checked(SUCCEEDED), 120.0),
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


FORBIDDEN = 'pods "ws-x" is forbidden: violates PodSecurity "restricted:latest": privileged'


@pytest.mark.parametrize("seconds", [10, 3600])
def test_no_node_is_requested_while_the_pod_of_the_check_is_forbidden(seconds: float) -> None:
    """However long: the pods of the run would be forbidden as well."""
    plan = decide(seen(data_check=a_check(seconds=seconds), forbidden_pods={"job-1": FORBIDDEN}))
    assert plan.status is not None
    conditions = {c["type"]: c for c in plan.status["conditions"]}
    for type_ in ("DataChecked", "TuningSucceeded"):
        assert conditions[type_]["reason"] == "PodForbidden"
        assert FORBIDDEN in conditions[type_]["message"]
    assert conditions["MachineReady"]["reason"] == "WaitingForDataCheck"
    assert plan.status["state"] == "Pending" and plan.requeue_after_seconds == 10.0
    assert not actions(plan)


def test_check_goes_on_when_its_pod_is_there() -> None:
    forbidden = reported("False", "PodForbidden", FORBIDDEN)
    plan = decide(observation(forbidden, data_check=a_check(), pods=(checker(running={}),)))
    assert conditions_by_type(plan.status)["DataChecked"] == "Unknown/DataCheckRunning"
