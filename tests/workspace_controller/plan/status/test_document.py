"""The status (state, numbers, progress, conditions), and its events."""

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
from workspace_controller.plan.status.duration import duration

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
    status = decide(observed).status
    assert status is not None
    return status


def tuned(**changes: Any) -> Observed:
    return observation(stored(tuning_workspace()), **{**NODE, **changes})


def served(before: str = "", **changes: Any) -> Observed:
    manifest = stored(inference_workspace())
    if before:
        manifest["status"] = {"state": before}
    return observation(manifest, **{**NODE, **changes})


WHERE: dict[str, tuple[Observed, str, str | None]] = {
    "requested": (observation(stored(tuning_workspace()), **CLAIMED), "Provisioning", "nodes 0/1"),
    "node there": (tuned(), "Pending", "starting the training pod"),
    "fetching": (
        tuned(job=tuning.a_job(), pods=(tuning.FETCHES,)), "Tuning", "fetching the dataset",
    ),
    "training, not answering": (
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
    "no longer ready": (
        served("Ready", deployment=serving.IS), "NotReady", "starting the model's pod",
    ),
    "still not ready": (
        served("NotReady", deployment=serving.IS), "NotReady", "starting the model's pod",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("observed", "state", "progress"), WHERE.values(), ids=WHERE)
def test_state_and_progress(observed: Observed, state: str, progress: str | None) -> None:
    status = status_of(observed)
    assert (status["state"], status.get("progress")) == (state, progress)


def test_status_shows_what_the_run_reports() -> None:
    status = status_of(tuned(job=tuning.a_job(), pods=(tuning.TRAINS,), run=RUN))
    assert status["eta"] == "2m10s"
    assert status["tuning"] == {
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


def test_status_keeps_the_last_report_while_the_run_does_not_answer() -> None:
    observed = tuned(job=tuning.a_job(), pods=(tuning.TRAINS,))
    observed.workspace["status"] = {"tuning": {"state": "RUNNING", "step": 7}}
    assert status_of(observed)["tuning"] == {"state": "RUNNING", "step": 7}


def test_status_shows_node_counts_and_cost() -> None:
    status = status_of(tuned())
    assert (status["nodes"], status["targetNodeCount"], status["workerNodes"]) == (
        "1/1",
        1,
        ["node-0"],
    )
    assert status["costPerHour"].startswith("$")
    assert status["estimate"]["gpuMemory"] == "16Gi"
    assert "phi-3-mini-128k-instruct" in status["estimate"]["explanation"]


def test_estimate_of_a_served_model_shows_the_arithmetic() -> None:
    status = status_of(served())["estimate"]
    assert status["nodes"] == 1 and "KV cache" in status["explanation"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (44.6, "45s"), (60, "1m00s"), (130, "2m10s"), (3600, "1h00m"), (11100, "3h05m"),
     (-5, "0s")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_transition_times_stay_while_nothing_changes() -> None:
    first = served()
    status = status_of(first)
    later = replace(first, workspace={**first.workspace, "status": status},
                    now=datetime(2027, 1, 1, tzinfo=UTC))  # fmt: skip
    assert status_of(later)["conditions"] == status["conditions"]


def test_summary_names_the_failed_condition() -> None:
    last = {"exitCode": 1, "message": '{"reason": "DataEmpty", "message": "no rows"}'}
    pod = tuning.running({"waiting": {"reason": "CrashLoopBackOff"}, "last": last})
    status = status_of(tuned(job=tuning.a_job(), pods=(pod,)))
    assert status["state"] == "Failed"
    assert conditions_by_type(status)["WorkspaceSucceeded"] == "False/WorkspaceFailed"
    (whole,) = [c for c in status["conditions"] if c["type"] == "WorkspaceSucceeded"]
    assert whole["message"] == (
        "TuningSucceeded: no rows; the node is kept at about $3.06 an hour: correct the cause, and "
        "the run starts again on it, or release it by kubectl delete workspace ws -n team"
    )


def test_summary_names_a_failure_before_what_is_in_progress() -> None:
    slow: dict[str, Any] = {"claims": (claim(0),), "nodes": (own_node(),)}
    status = status_of(served(**slow, deployment=serving.IS, pods=serving.CANNOT_PULL))
    (whole,) = [c for c in status["conditions"] if c["type"] == "WorkspaceReady"]
    assert whole["message"].startswith("InferenceReady: ")


def test_model_keeps_its_nodes_when_a_new_estimate_does_not_fit() -> None:
    manifest = stored(inference_workspace(inference={"preset": {"name": "phi-4"}}))
    manifest["status"] = {"targetNodeCount": 2}
    asked = (claim(0), claim(1))
    assert status_of(observation(manifest, claims=asked))["targetNodeCount"] == 2


def test_decided_size_stays_when_the_estimate_changes() -> None:
    observed = served(claims=(claim(0), claim(1)))
    observed.workspace["status"] = {"targetNodeCount": 2}
    assert status_of(observed)["targetNodeCount"] == 2
    assert observed.spec is not None
    observed.workspace["resource"]["instanceType"] = "Standard_NC6"
    grown = replace(observed, gpus=catalog.load().skus[0].gpus)
    assert status_of(grown)["targetNodeCount"] == 2


def test_refused_write_is_reported_in_resource_ready() -> None:
    refusal = Refusal(reason=Reason.PROVISIONER_MISSING, message="no Machine")
    status = status_of(served(refusal=refusal, claims=(), nodes=()))
    assert conditions_by_type(status)["ResourceReady"] == "False/ProvisionerMissing"


def test_problem_does_not_change_what_runs() -> None:
    ready = served(deployment=serving.READY)
    before = status_of(ready)
    manifest = {**ready.workspace, "status": before}
    status = status_of(replace(ready, workspace=manifest, preset=None))
    assert status["state"] == "Ready"
    assert conditions_by_type(status) == {
        **conditions_by_type(before),
        "ResourceReady": "False/PresetUnknown",
    }


def test_status_matches_the_crd() -> None:
    from kaito_api.status import WorkspaceStatus

    for observed, _, _ in WHERE.values():
        WorkspaceStatus.model_validate(status_of(observed))


def test_every_reported_reason_is_in_the_table() -> None:
    status = {
        c["reason"] for observed, _, _ in WHERE.values() for c in status_of(observed)["conditions"]
    }
    assert status <= set(REASONS)


def notes(observed: Observed) -> list[tuple[bool, str]]:
    return [(event.warning, event.reason) for event in decide(observed).events]


def test_event_is_emitted_once_for_a_change() -> None:
    observed = served(deployment=serving.READY)
    assert (False, "InferenceReady") in notes(observed)
    again = replace(observed, workspace={**observed.workspace, "status": status_of(observed)})
    assert notes(again) == []


def test_failure_is_a_warning_and_progress_is_not() -> None:
    short = claim(0, Launched="False/QuotaExceeded/24 cores are missing")
    assert (True, "QuotaExceeded") in notes(served(claims=(short,), nodes=()))
    assert notes(served(claims=(claim(0),), nodes=())) == [(False, "CreatingNodes")]


def test_byo_nodes_have_no_cost() -> None:
    manifest = stored(inference_workspace())
    del manifest["resource"]["instanceType"]
    status = status_of(observation(manifest, settings=settings(node_provisioner="byo")))
    assert "costPerHour" not in status
