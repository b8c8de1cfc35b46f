"""/metrics of a run, as Prometheus scrapes it."""

import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.reporting.metrics import serving_metrics
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import (
    Checkpoint,
    Divergence,
    GpuMemory,
    LostRows,
    Progress,
    RunState,
    TuningRun,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = TuningRun(name="team/ws", base_model="phi", method="lora", start_time=NOW)
PAGE = Path(__file__).parents[3] / "docs" / "tuning.md"


@pytest.fixture
def publisher() -> StatusPublisher:
    return StatusPublisher(RUN)


def _scrape(publisher: StatusPublisher) -> dict[str, float]:
    """Each sample of the run by its name and labels."""
    with serving_metrics(publisher, 0) as port:
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return {
        f"{sample.name}{sorted(sample.labels.values()) or ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("kaito_tuning_")
    }


def test_running_run_is_measured(publisher: StatusPublisher) -> None:
    publisher.publish(
        state=RunState.RUNNING,
        progress=Progress(
            step=120,
            total_steps=480,
            epoch=0.75,
            loss=1.25,
            learning_rate=2e-4,
            gradient_norm=0.5,
            tokens_per_second=812.0,
            eta_seconds=750.0,
            eval_loss=1.5,
            eval_step=100,
            resumed_step=90,
        ),
        checkpoint=Checkpoint(118, "/mnt/results/checkpoints/checkpoint-118", NOW),
        divergence=Divergence(60, 5.25, 1.5, "lower it"),
        lost_rows=LostRows(1000, 12, 3, {"prompt_too_long": 12, "cut": 3}),
        gpu_memory=GpuMemory(12, 16),
    )
    states = {f"kaito_tuning_state['{state.value.lower()}']": 0.0 for state in RunState}
    assert _scrape(publisher) == {
        **states,
        "kaito_tuning_state['running']": 1.0,
        "kaito_tuning_info['lora', 'phi', 'team/ws']": 1.0,
        "kaito_tuning_step": 120.0,
        "kaito_tuning_total_steps": 480.0,
        "kaito_tuning_epoch": 0.75,
        "kaito_tuning_loss": 1.25,
        "kaito_tuning_eval_loss": 1.5,
        "kaito_tuning_eval_step": 100.0,
        "kaito_tuning_learning_rate": 2e-4,
        "kaito_tuning_gradient_norm": 0.5,
        "kaito_tuning_tokens_per_second": 812.0,
        "kaito_tuning_eta_seconds": 750.0,
        "kaito_tuning_resumed_step": 90.0,
        "kaito_tuning_checkpoint_step": 118.0,
        "kaito_tuning_checkpoint_timestamp_seconds": NOW.timestamp(),
        "kaito_tuning_start_timestamp_seconds": NOW.timestamp(),
        "kaito_tuning_diverging": 1.0,
        "kaito_tuning_rows": 1000.0,
        "kaito_tuning_lost_rows['prompt_too_long']": 12.0,
        "kaito_tuning_lost_rows['cut']": 3.0,
        "kaito_tuning_gpu_memory_peak_bytes": 12.0,
        "kaito_tuning_gpu_memory_total_bytes": 16.0,
    }


def test_unknown_values_have_no_sample(publisher: StatusPublisher) -> None:
    found = {name for name in _scrape(publisher) if "state[" not in name}
    assert found == {
        "kaito_tuning_info['lora', 'phi', 'team/ws']",
        "kaito_tuning_step",
        "kaito_tuning_epoch",
        "kaito_tuning_start_timestamp_seconds",
        "kaito_tuning_diverging",
    }


def test_state_of_a_failed_run_is_failed(publisher: StatusPublisher) -> None:
    publisher.publish(state=RunState.FAILED, error=RunError(Reason.OUT_OF_MEMORY, "too much"))
    samples = _scrape(publisher)
    assert [name for name, value in samples.items() if "state[" in name and value] == [
        "kaito_tuning_state['failed']"
    ]


def test_port_is_free_for_the_next_container(publisher: StatusPublisher) -> None:
    with serving_metrics(publisher, 0) as port:
        assert port is not None
    with serving_metrics(publisher, port) as again:
        assert again == port


def test_taken_port_costs_the_metrics_and_not_the_run(
    publisher: StatusPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with serving_metrics(publisher, port) as served:
            assert served is None
    assert f"KAITO_METRICS_PORT {port} cannot be opened: Address already in use" in caplog.text


def test_every_metric_is_documented(publisher: StatusPublisher) -> None:
    publisher.publish(lost_rows=LostRows(1, 1, 0, {"empty": 1}))
    with serving_metrics(publisher, 0) as port:
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    served = set(re.findall(r"^# HELP (kaito_tuning_\w+)", text, re.MULTILINE))
    documented = set(re.findall(r"`(kaito_tuning_\w+)(?:\{\w+\})?`", PAGE.read_text()))
    assert documented == served
