"""What `kubectl get workspace -o wide` prints over the life of a tuning run."""

import re
from dataclasses import replace
from typing import Any

from kaito_api.crd.workspace import COLUMNS
from kaito_kube.kinds import DEPLOYMENT, Manifest
from tests.workspace_controller.given import (
    DIGEST,
    claim,
    observation,
    own_node,
    stored,
    tuning_workspace,
)
from tests.workspace_controller.plan.serving import test_workload as serving
from tests.workspace_controller.plan.tuning import test_run as tuning
from tests.workspace_controller.plan.tuning.test_report import DIVERGENCE, RUN, START
from workspace_controller.observed import TuningRun
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Apply

_SEGMENT = re.compile(r'\.(\w+)|\[\?\(@\.(\w+)=="(\w+)"\)\]')
NODE: dict[str, Any] = {"nodes": (own_node(),), "claims": (claim(0, Ready="True/Ready/"),)}
TRAINS: dict[str, Any] = {**NODE, "job": tuning.a_job(), "pods": (tuning.TRAINS,)}
PUSHES: dict[str, Any] = {**NODE, "job": tuning.a_job(), "pods": (tuning.PUSHES,)}
STEPS: dict[str, Any] = {"total_steps": 480, "started": START, "epoch": 0.0}
REPORT = {"image": tuning.IMAGE, "digest": DIGEST, "size": 7}
DONE: dict[str, Any] = {
    **NODE,
    "job": tuning.a_job(**tuning.COMPLETE),
    "pods": (tuning.pushed(**REPORT),),
}
(MODEL,) = [
    action.manifest
    for action in decide(observation(stored(tuning_workspace()), **DONE)).actions
    if isinstance(action, Apply) and action.kind is DEPLOYMENT
]
STARTS = {**MODEL, "metadata": {**MODEL["metadata"], "generation": 1, "uid": "model"}}
ANSWERS = {**STARTS, "status": serving.READY["status"]}
# What is observed, in order, and the line that kubectl prints for it.
LIFE: list[tuple[dict[str, Any], str]] = [
    ({"claims": (claim(0),)}, "False False False | Provisioning | nodes 0/1 | - | - | - | 0/1"),
    (
        {**NODE, "job": tuning.a_job(), "pods": (tuning.FETCHES,)},
        "True False False | Tuning | fetching the dataset | - | - | - | 1/1",
    ),
    (
        {**TRAINS, "run": TuningRun(state="LOADING", started=START)},
        "True False False | Tuning | loading the base model | - | - | - | 1/1",
    ),
    (
        {**TRAINS, "run": TuningRun(state="RUNNING", **STEPS)},
        "True False False | Tuning | step 0/480 (0%) | - | - | - | 1/1",
    ),
    (
        {**TRAINS, "run": replace(RUN, step=40, eval_loss=None, eval_step=None)},
        "True False False | Tuning | step 40/480 (8%) | 1.2346 | - | 12m30s | 1/1",
    ),
    (
        {**TRAINS, "run": RUN},
        "True False False | Tuning | step 120/480 (25%) | 1.2346 | 1.5000 | 12m30s | 1/1",
    ),
    (
        {**TRAINS, "run": replace(RUN, step=240, loss=5.5, divergence=DIVERGENCE)},
        "True False False | Tuning | step 240/480 (50%), diverging | 5.5000 | 1.5000 | 12m30s | "
        "1/1",
    ),
    (
        {**TRAINS, "run": TuningRun(state="LOADING", started=START)},
        "True False False | Tuning | loading the base model | 5.5000 | 1.5000 | - | 1/1",
    ),
    (
        {**PUSHES, "run": TuningRun(state="PUSHING", step=480, loss=1.1, **STEPS)},
        "True False False | Pushing | pushing the adapter | 1.1000 | 1.5000 | - | 1/1",
    ),
    (
        {**DONE, "deployment": STARTS},
        "True False False | Loading | starting the model's pod | 1.1000 | 1.5000 | - | 1/1",
    ),
    (
        {**DONE, "deployment": ANSWERS},
        "True True True | Ready | - | 1.1000 | 1.5000 | - | 1/1",
    ),
]


def value_at(manifest: Manifest, path: str) -> str:
    """The value at a JSONPath, as kubectl prints it: nothing where there is none."""
    found: Any = manifest
    assert "".join(match[0] for match in _SEGMENT.finditer(path)) == path
    for key, field, wanted in _SEGMENT.findall(path):
        if key:
            found = (found or {}).get(key)
        else:
            found = next((each for each in found or () if each.get(field) == wanted), None)
    return "-" if found is None else str(found)


def line(manifest: Manifest) -> str:
    printed = {column.name: value_at(manifest, column.path) for column in COLUMNS}
    ready = " ".join(printed[f"{of}Ready"] for of in ("Resource", "Inference", "Workspace"))
    assert printed["Cost/h"] == "$3.06"
    assert printed["Instance"] == "Standard_NC6s_v3"
    names = ("State", "Progress", "Loss", "EvalLoss", "ETA", "Nodes")
    return " | ".join([ready, *(printed[name] for name in names)])


def test_columns_follow_a_run_from_its_node_to_its_model() -> None:
    workspace = stored(tuning_workspace())
    for changes, expected in LIFE:
        status = decide(observation(workspace, **changes)).status
        assert status is not None
        workspace = {**workspace, "status": status}
        assert line(workspace) == expected


def test_narrow_output_is_the_documented_one() -> None:
    narrow = [column.name for column in COLUMNS if not column.wide]
    assert narrow == ["Instance", "ResourceReady", "InferenceReady", "WorkspaceReady", "Age"]
