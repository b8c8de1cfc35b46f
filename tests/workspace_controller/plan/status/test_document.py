"""The status: one word, numbers, progress; and the events that its changes are told by."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kaito_api.reasons import REASONS, Reason
from kaito_kube.kinds import Manifest
from kaito_skus import catalog
from tests.workspace_controller.given import (
    claim,
    conditions_by_type,
    inference_workspace,
    observation,
    own_node,
    settings,
    stored,
    tuning_workspace,
)
from tests.workspace_controller.plan.serving import test_workload as serving
from tests.workspace_controller.plan.tuning import test_run as tuning
from workspace_controller.observed import Observed, Refusal, TuningRun
from workspace_controller.plan.decide import decide
from workspace_controller.plan.status.progress import duration

CLAIMED = {"claims": (claim(0),)}
NODE = {"nodes": (own_node(),), "claims": (claim(0, Ready="True/Ready/"),)}
RUN = TuningRun(
    state="RUNNING",
    step=120,
    total_steps=400,
    epoch=0.3,
    loss=1.23456,
    learning_rate=5e-5,
    tokens_per_second=812.4,
    eta_seconds=130,
    checkpoint_step=100,
    started=datetime(2026, 1, 1, tzinfo=UTC),
)


def status_of(observed: Observed) -> Manifest:
    told = decide(observed).status
    assert told is not None
    return told


def tuned(**changes: Any) -> Observed:
    return observation(stored(tuning_workspace()), **{**NODE, **changes})


def served(before: str = "", **changes: Any) -> Observed:
    manifest = stored(inference_workspace())
    if before:
        manifest["status"] = {"state": before}
    return observation(manifest, **{**NODE, **changes})


WHERE: dict[str, tuple[Observed, str, str | None]] = {
    "asked for": (observation(stored(tuning_workspace()), **CLAIMED), "Provisioning", "nodes 0/1"),
    "node there": (tuned(), "Pending", "starting the training pod"),
    "fetching": (
        tuned(job=tuning.a_job(), pods=(tuning.FETCHES,)), "Tuning", "fetching the data set",
    ),
    "training, not telling": (
        tuned(job=tuning.a_job(), pods=(tuning.TRAINS,)), "Tuning", "training",
    ),
    "loading": (
        tuned(job=tuning.a_job(), pods=(tuning.TRAINS,), run=TuningRun(state="LOADING")),
        "Tuning", "loading the base model",
    ),
    "training": (
        tuned(job=tuning.a_job(), pods=(tuning.TRAINS,), run=RUN), "Tuning", "step 120/400 (30%)",
    ),
    "training while its node is away": (
        tuned(job=tuning.a_job(), pods=(tuning.TRAINS,), run=RUN, nodes=()),
        "Tuning", "step 120/400 (30%)",
    ),
    "pushing": (
        tuned(job=tuning.a_job(), pods=(tuning.PUSHES,)), "Pushing", "pushing the adapter",
    ),
    "starting the model": (served(deployment=serving.IS), "Loading", "starting the model's pod"),
    "loading the model": (
        served(deployment=serving.IS, pods=serving.LOADS), "Loading", "loading the model",
    ),
    "image missing": (
        served(deployment=serving.IS, pods=serving.CANNOT_PULL), "Loading", None,
    ),
    "training pod's image missing": (
        tuned(job=tuning.a_job(), pods=(tuning.running({"waiting": {"reason": "ErrImagePull"}}),)),
        "Pending", None,
    ),
    "ready": (served(deployment=serving.READY), "Ready", None),
    "not ready any more": (
        served("Ready", deployment=serving.IS), "NotReady", "starting the model's pod",
    ),
    "still not ready": (
        served("NotReady", deployment=serving.IS), "NotReady", "starting the model's pod",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("observed", "state", "progress"), WHERE.values(), ids=WHERE)
def test_where_it_is(observed: Observed, state: str, progress: str | None) -> None:
    told = status_of(observed)
    assert (told["state"], told.get("progress")) == (state, progress)


def test_a_run_as_it_told() -> None:
    told = status_of(tuned(job=tuning.a_job(), pods=(tuning.TRAINS,), run=RUN))
    assert told["eta"] == "2m10s"
    assert told["tuning"] == {
        "state": "RUNNING",
        "step": 120,
        "totalSteps": 400,
        "epoch": "0.30",
        "loss": "1.2346",
        "learningRate": "5e-05",
        "tokensPerSecond": "812",
        "checkpointStep": 100,
        "startTime": "2026-01-01T00:00:00Z",
    }


def test_a_run_that_does_not_answer_stays_as_it_told_last() -> None:
    observed = tuned(job=tuning.a_job(), pods=(tuning.TRAINS,))
    observed.workspace["status"] = {"tuning": {"state": "RUNNING", "step": 7}}
    assert status_of(observed)["tuning"] == {"state": "RUNNING", "step": 7}


def test_numbers_and_price() -> None:
    told = status_of(tuned())
    assert (told["nodes"], told["targetNodeCount"], told["workerNodes"]) == ("1/1", 1, ["node-0"])
    assert told["costPerHour"].startswith("$")
    assert told["estimate"]["gpuMemory"] == "16Gi"
    assert "phi-3-mini-128k-instruct" in told["estimate"]["explanation"]


def test_a_served_models_estimate_shows_the_arithmetic() -> None:
    told = status_of(served())["estimate"]
    assert told["nodes"] == 1 and "KV cache" in told["explanation"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (44.6, "45s"), (60, "1m00s"), (130, "2m10s"), (3600, "1h00m"), (11100, "3h05m"),
     (-5, "0s")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_times_stay_while_nothing_changes() -> None:
    first = served()
    told = status_of(first)
    later = replace(first, workspace={**first.workspace, "status": told},
                    now=datetime(2027, 1, 1, tzinfo=UTC))  # fmt: skip
    assert status_of(later)["conditions"] == told["conditions"]


def test_a_failure_names_the_condition() -> None:
    last = {"exitCode": 1, "message": '{"reason": "DataEmpty", "message": "no rows"}'}
    pod = tuning.running({"waiting": {"reason": "CrashLoopBackOff"}, "last": last})
    told = status_of(tuned(job=tuning.a_job(), pods=(pod,)))
    assert told["state"] == "Failed"
    assert conditions_by_type(told)["WorkspaceSucceeded"] == "False/WorkspaceFailed"
    (whole,) = [c for c in told["conditions"] if c["type"] == "WorkspaceSucceeded"]
    assert whole["message"] == "TuningSucceeded: no rows"


def test_the_whole_blames_trouble_before_what_is_on_its_way() -> None:
    slow: dict[str, Any] = {"claims": (claim(0),), "nodes": (own_node(),)}
    told = status_of(served(**slow, deployment=serving.IS, pods=serving.CANNOT_PULL))
    (whole,) = [c for c in told["conditions"] if c["type"] == "WorkspaceReady"]
    assert whole["message"].startswith("InferenceReady: ")


def test_a_model_that_fits_no_more_by_newer_data_keeps_its_nodes() -> None:
    manifest = stored(inference_workspace(inference={"preset": {"name": "phi-4"}}))
    manifest["status"] = {"targetNodeCount": 2}
    asked = (claim(0), claim(1))
    assert status_of(observation(manifest, claims=asked))["targetNodeCount"] == 2


def test_a_size_once_decided_stays_whatever_newer_data_say() -> None:
    observed = served(claims=(claim(0), claim(1)))
    observed.workspace["status"] = {"targetNodeCount": 2}
    assert status_of(observed)["targetNodeCount"] == 2
    assert observed.spec is not None
    observed.workspace["resource"]["instanceType"] = "Standard_NC6"
    grown = replace(observed, gpus=catalog.load().skus[0].gpus)
    assert status_of(grown)["targetNodeCount"] == 2


def test_a_refused_write_is_why_the_resources_are_not_there() -> None:
    refusal = Refusal(reason=Reason.PROVISIONER_MISSING, message="no Machine")
    told = status_of(served(refusal=refusal, claims=(), nodes=()))
    assert conditions_by_type(told)["ResourceReady"] == "False/ProvisionerMissing"


def test_a_problem_leaves_what_runs_as_it_is() -> None:
    ready = served(deployment=serving.READY)
    before = status_of(ready)
    manifest = {**ready.workspace, "status": before}
    told = status_of(replace(ready, workspace=manifest, preset=None))
    assert told["state"] == "Ready"
    assert conditions_by_type(told) == {
        **conditions_by_type(before),
        "ResourceReady": "False/PresetUnknown",
    }


def test_the_status_fits_the_crd() -> None:
    from kaito_api.status import WorkspaceStatus

    for observed, _, _ in WHERE.values():
        WorkspaceStatus.model_validate(status_of(observed))


def test_every_reason_that_is_told_is_explained() -> None:
    told = {
        c["reason"] for observed, _, _ in WHERE.values() for c in status_of(observed)["conditions"]
    }
    assert told <= set(REASONS)


def notes(observed: Observed) -> list[tuple[bool, str]]:
    return [(event.warning, event.reason) for event in decide(observed).events]


def test_events_tell_what_changed_once() -> None:
    observed = served(deployment=serving.READY)
    assert (False, "InferenceReady") in notes(observed)
    again = replace(observed, workspace={**observed.workspace, "status": status_of(observed)})
    assert notes(again) == []


def test_trouble_is_a_warning_and_being_on_the_way_is_not() -> None:
    short = claim(0, Launched="False/QuotaExceeded/24 cores are missing")
    assert (True, "QuotaExceeded") in notes(served(claims=(short,), nodes=()))
    assert notes(served(claims=(claim(0),), nodes=())) == [(False, "CreatingNodes")]


def test_brought_nodes_have_no_price() -> None:
    manifest = stored(inference_workspace())
    del manifest["resource"]["instanceType"]
    told = status_of(observation(manifest, settings=settings(node_provisioner="byo")))
    assert "costPerHour" not in told
