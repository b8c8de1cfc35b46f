"""What a run has reported, as the status keeps it, and as the condition's message says it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import claim, container, pod
from tests.workspace_controller.plan.tuning.test_run import (
    PUSHES,
    TRAINS,
    a_job,
    decided,
    seen,
)
from workspace_controller.observed import Divergence, Observed, TuningRun

START = datetime(2026, 1, 1, tzinfo=UTC)
DIVERGENCE = Divergence(step=60, loss=5.25, lowest_loss=1.5, remedy="lower the learning rate")
RUN = TuningRun(
    state="RUNNING",
    step=120,
    total_steps=480,
    epoch=0.75,
    loss=1.23456,
    learning_rate=5e-5,
    eval_loss=1.5,
    eval_step=100,
    tokens_per_second=812.4,
    eta_seconds=750,
    resumed_step=90,
    checkpoint_step=118,
    checkpoint_time=datetime(2026, 1, 1, 1, tzinfo=UTC),
    dropped_rows=12,
    cut_rows=3,
    peak_gpu_memory_bytes=int(12.4 * 2**30),
    gpu_memory_bytes=16 * 2**30,
    started=START,
)
REPORT = {
    "state": "RUNNING",
    "step": 120,
    "totalSteps": 480,
    "epoch": "0.75",
    "loss": "1.2346",
    "learningRate": "5e-05",
    "evalLoss": "1.5000",
    "evalStep": 100,
    "tokensPerSecond": "812",
    "resumedStep": 90,
    "checkpointStep": 118,
    "checkpointTime": "2026-01-01T01:00:00Z",
    "droppedRows": 12,
    "cutRows": 3,
    "gpuMemory": "12.4Gi/16.0Gi",
    "startTime": "2026-01-01T00:00:00Z",
}


def observed(run: TuningRun | None, before: Manifest | None = None, **changes: Any) -> Observed:
    found = seen(job=a_job(), pods=changes.pop("pods", (TRAINS,)), run=run, **changes)
    found.workspace["status"] = {"tuning": before or {}}
    return found


def test_report_has_all_that_the_run_tells() -> None:
    assert decided(observed(RUN)).report == REPORT


LOADING = TuningRun(state="LOADING", started=START)
REPORTS = {
    "kept while the run does not answer": (None, {}, REPORT),
    "kept while the model is loaded again": (LOADING, {"state": "LOADING"}, REPORT),
    "kept and completed while the adapter is pushed": (
        TuningRun(state="PUSHING", step=480, total_steps=480, loss=1.1, started=START),
        {
            "state": "PUSHING",
            "step": 480,
            "totalSteps": 480,
            "epoch": "0.00",
            "loss": "1.1000",
        },
        REPORT,
    ),
    "not kept for another run": (
        replace(LOADING, started=datetime(2026, 2, 2, tzinfo=UTC)),
        {"state": "LOADING", "startTime": "2026-02-02T00:00:00Z"},
        {},
    ),
    "not kept of a run that trains": (
        TuningRun(state="RUNNING", step=1, total_steps=480, started=START),
        {"state": "RUNNING", "step": 1, "totalSteps": 480, "epoch": "0.00"},
        {"startTime": "2026-01-01T00:00:00Z"},
    ),
}


@pytest.mark.parametrize(("run", "reported", "kept"), REPORTS.values(), ids=REPORTS)
def test_earlier_report_is(run: TuningRun | None, reported: Manifest, kept: Manifest) -> None:
    assert decided(observed(run, REPORT)).report == {**kept, **reported}


def test_end_of_a_failed_process_does_not_stay_when_the_run_continues() -> None:
    ended = {**REPORT, "state": "FAILED", "endTime": "2026-01-01T02:00:00Z"}
    assert "endTime" not in decided(observed(LOADING, ended)).report


def message(run: TuningRun | None, **changes: Any) -> str:
    return decided(observed(run, **changes)).succeeded.message


def test_condition_says_how_far_the_training_is() -> None:
    assert message(RUN) == (
        "training: step 120/480 (25%), epoch 0.75, loss 1.2346, evaluation loss 1.5000, "
        "812 tokens/s, 12m30s left, newest checkpoint at step 118; 12 rows dropped, 3 rows cut"
    )


MESSAGES = {
    "not answering": (None, "training"),
    "loading": (LOADING, "training"),
    "first step": (
        TuningRun(state="RUNNING", total_steps=480, started=START, dropped_rows=0, cut_rows=0),
        "training: step 0/480 (0%), epoch 0.00",
    ),
    "one row cut": (
        TuningRun(state="RUNNING", total_steps=480, started=START, cut_rows=1),
        "training: step 0/480 (0%), epoch 0.00; 1 row cut",
    ),
}


@pytest.mark.parametrize(("run", "expected"), MESSAGES.values(), ids=MESSAGES)
def test_condition_says_only_what_is_known(run: TuningRun | None, expected: str) -> None:
    assert message(run) == expected


def test_condition_carries_the_divergence_until_the_end() -> None:
    training = decided(observed(replace(RUN, divergence=DIVERGENCE)))
    assert training.succeeded.reason == "LossDiverges"
    assert training.succeeded.status == "Unknown"
    assert training.succeeded.message.endswith(
        "3 rows cut; the loss diverges since step 60: the mean of the last losses was 5.2500, the "
        "lowest 1.5000; lower the learning rate"
    )
    pushing = decided(
        observed(TuningRun(state="PUSHING", started=START), training.report, pods=(PUSHES,))
    )
    assert pushing.succeeded.reason == "LossDiverges"
    assert pushing.succeeded.message.startswith("pushing the adapter; the loss diverges since")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (None, "no rows; the node is kept at about $3.06 an hour: correct the cause, and the run"),
        (
            (claim(0), claim(1)),
            "no rows; the 2 nodes are kept at about $6.12 an hour: correct the cause, and the run "
            "starts again on them, or release them by kubectl delete workspace ws -n team",
        ),
        ((), "no rows; its pod keeps the GPUs until you run kubectl delete workspace ws -n team"),
    ],
    ids=["requested node", "two requested nodes", "own node"],
)
def test_permanent_failure_says_that_the_node_stays(claims: Any, expected: str) -> None:
    last = {"exitCode": 1, "message": '{"reason": "DataEmpty", "message": "no rows"}'}
    crashed = container("data-fetcher", last=last, waiting={"reason": "CrashLoopBackOff"})
    changes = {} if claims is None else {"claims": claims}
    found = observed(None, pods=(pod("tuning", initContainerStatuses=[crashed]),), **changes)
    assert decided(found).succeeded.message.startswith(expected)
