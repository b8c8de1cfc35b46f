"""Events of a training: once for each thing that happens, and none for a mere step."""

import pytest

from kaito_kube.kinds import Manifest
from workspace_controller.plan.status.run_events import run_events

RUNS: Manifest = {"state": "RUNNING", "step": 3, "totalSteps": 480}
RESUMED = {**RUNS, "resumedStep": 118}
EVALUATED = {**RUNS, "evalStep": 100, "evalLoss": "1.5000"}
EVENTS: dict[str, tuple[Manifest, Manifest, list[str]]] = {
    "started": ({}, RUNS, ["TrainingStarted: the training starts: 480 steps"]),
    "started after loading": (
        {"state": "PREPARING"},
        RUNS,
        ["TrainingStarted: the training starts: 480 steps"],
    ),
    "one more step": (RUNS, {**RUNS, "step": 4}, []),
    "resumed": (
        {**RUNS, "state": "LOADING"},
        RESUMED,
        ["TrainingResumed: the training resumes from its checkpoint at step 118 of 480"],
    ),
    "resumed, not seen while it loaded": (
        RUNS,
        RESUMED,
        ["TrainingResumed: the training resumes from its checkpoint at step 118 of 480"],
    ),
    "one more step after it resumed": (RESUMED, {**RESUMED, "step": 130}, []),
    "first evaluation": (
        RUNS,
        EVALUATED,
        ["AdapterEvaluated: step 100 of 480: the loss on the rows held back is 1.5000"],
    ),
    "second evaluation": (
        EVALUATED,
        {**EVALUATED, "evalStep": 200, "evalLoss": "1.2500"},
        [
            "AdapterEvaluated: step 200 of 480: the loss on the rows held back is 1.2500; "
            "it was 1.5000 at step 100"
        ],
    ),
    "the same evaluation": (EVALUATED, {**EVALUATED, "step": 101}, []),
    "resumed before the last evaluation": ({**EVALUATED, "evalStep": 200}, EVALUATED, []),
    "pushing": (RUNS, {**RUNS, "state": "PUSHING"}, []),
    "status of an inference Workspace": ({}, {}, []),
}


@pytest.mark.parametrize(("before", "now", "expected"), EVENTS.values(), ids=EVENTS)
def test_event(before: Manifest, now: Manifest, expected: list[str]) -> None:
    found = run_events(before, now)
    assert [f"{event.reason}: {event.note}" for event in found] == expected
    assert not any(event.warning for event in found)
