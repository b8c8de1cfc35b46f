"""When a workload that differs from the wanted one is updated, and when it waits for its turn."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import Key, Manifest
from workspace_controller.observed import OngoingUpdate
from workspace_controller.plan.serving.updates.update import (
    Change,
    Situation,
    Update,
    change_of,
    decide_update,
)
from workspace_controller.plan.serving.workload_state import WorkloadState

COMPLETE, ANSWERING = WorkloadState.COMPLETE, WorkloadState.ANSWERING
STARTING, FAILED = WorkloadState.STARTING, WorkloadState.FAILED
KEEP, APPLY, TAKE_TURN, WAIT = Update.KEEP, Update.APPLY, Update.TAKE_TURN, Update.WAIT
UNDER_WAY = OngoingUpdate(Key("team", "other"), failed=False)
STOPPED = OngoingUpdate(Key("team", "other"), failed=True)

CASES: dict[str, tuple[Change, WorkloadState, bool, OngoingUpdate | None, Update]] = {
    "nothing to do": (Change.NONE, COMPLETE, False, None, KEEP),
    "nothing to do while another is updated": (Change.NONE, COMPLETE, False, UNDER_WAY, KEEP),
    "its update is ready: the turn ends": (Change.NONE, COMPLETE, True, None, APPLY),
    "its update is under way": (Change.NONE, STARTING, True, None, KEEP),
    "its update is under way beside the old pod": (Change.NONE, ANSWERING, True, None, KEEP),
    "its update fails and stops here": (Change.NONE, FAILED, True, None, KEEP),
    "a release that writes other marks": (Change.MARKS, COMPLETE, False, UNDER_WAY, APPLY),
    "a user's change": (Change.OWN, COMPLETE, False, None, APPLY),
    "a user's change is not held": (Change.OWN, COMPLETE, False, STOPPED, APPLY),
    "a user's change of what starts": (Change.OWN, STARTING, False, STOPPED, APPLY),
    "a user's change does not resume the rollout": (Change.OWN, FAILED, True, None, TAKE_TURN),
    "a user's change of what became ready": (Change.OWN, COMPLETE, True, None, APPLY),
    "the first takes its turn": (Change.CONFIGURATION, COMPLETE, False, None, TAKE_TURN),
    "the next waits": (Change.CONFIGURATION, COMPLETE, False, UNDER_WAY, WAIT),
    "ready, with the mark of before": (Change.CONFIGURATION, COMPLETE, True, None, TAKE_TURN),
    "the mark of before is no turn": (Change.CONFIGURATION, COMPLETE, True, UNDER_WAY, WAIT),
    "a stopped rollout holds": (Change.CONFIGURATION, COMPLETE, False, STOPPED, WAIT),
    "its user's update is under way": (Change.CONFIGURATION, ANSWERING, False, None, TAKE_TURN),
    "what starts is not judged yet": (Change.CONFIGURATION, STARTING, False, None, WAIT),
    "broken before: updated without a turn": (Change.CONFIGURATION, FAILED, False, None, APPLY),
    "broken before: does not wait": (Change.CONFIGURATION, FAILED, False, STOPPED, APPLY),
    "the way back is not held by itself": (Change.CONFIGURATION, FAILED, True, None, TAKE_TURN),
    "the way back does not wait": (Change.CONFIGURATION, STARTING, True, None, TAKE_TURN),
    "the way back beside the old pod": (Change.CONFIGURATION, ANSWERING, True, None, TAKE_TURN),
}


@pytest.mark.parametrize(
    ("change", "state", "marked", "other", "expected"), CASES.values(), ids=CASES
)
def test_update_is_decided(
    change: Change,
    state: WorkloadState,
    marked: bool,
    other: OngoingUpdate | None,
    expected: Update,
) -> None:
    situation = Situation(change=change, state=state, marked=marked, other=other)
    assert decide_update(situation) is expected


def workload(revision: str, inputs: str | None, replicas: int = 1) -> Manifest:
    annotations: dict[str, Any] = {labels.REVISION: revision}
    if inputs is not None:
        annotations[labels.INPUTS] = inputs
    return {"metadata": {"annotations": annotations}, "spec": {"replicas": replicas}}


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (workload("r1", "i1"), Change.NONE),
        (workload("r1", "i0"), Change.MARKS),
        (workload("r1", None), Change.MARKS),
        (workload("r0", "i0"), Change.OWN),
        (workload("r0", "i1"), Change.CONFIGURATION),
        (workload("r0", None), Change.CONFIGURATION),
        (workload("r1", "i1", replicas=3), Change.OWN),
        (workload("r0", "i1", replicas=3), Change.CONFIGURATION),
    ],
    ids=[
        "same",
        "a change that no pod sees",
        "same, from a release without the digest",
        "of the user",
        "of the release",
        "from a release without the digest",
        "scaled by hand",
        "scaled by hand, and a change of the release",
    ],
)
def test_change_is_the_users_if_the_inputs_differ(present: Manifest, expected: Change) -> None:
    assert change_of(present, workload("r1", "i1")) is expected


def test_inputs_that_the_same_workspace_had_in_other_circumstances_are_the_same() -> None:
    wanted, same = workload("r1", "i1"), frozenset(("mounted", "pulled"))
    assert change_of(workload("r0", "mounted"), wanted, same) is Change.CONFIGURATION
    assert change_of(workload("r0", "other"), wanted, same) is Change.OWN
