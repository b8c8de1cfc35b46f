"""One training on one process and on two, which meet over gloo on the CPU."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.tuner import tiny
from tests.tuner.process import run_tuner, running_tuner, wait_for
from tuner.phases import train_phase
from tuner.processes.rank import REPORTS
from tuner.processes.report import read_reports
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch
from tuner.training.checkpoints import MARKER

# Each process imports torch and the libraries on top of it: a minute on a busy machine.
pytestmark = pytest.mark.timeout(900)
# 21 rows and 8 an update: each epoch ends with an update that two processes cannot share evenly.
CONFIG = """
training_config:
  QuantizationConfig: {load_in_4bit: false}
  LoraConfig: {r: 4, lora_alpha: 8}
  TrainingArguments:
    num_train_epochs: 40
    learning_rate: 2e-4
    per_device_train_batch_size: 8
  DatasetConfig: {train_test_split: 1}
"""
UPDATES = 3 * 40
# Of losses near 6, in float32: the processes add the same numbers in another order.
TOLERANCE = 1e-4


class Run:
    """A run whose results are in `root`; all runs have the same model, data and configuration."""

    def __init__(self, root: Path, model: Path) -> None:
        self.root, self.results = root, root / "results"
        shutil.copytree(model, root / "model")
        (root / "data").mkdir()
        tiny.write_parquet(root / "data/train.parquet", tiny.conversations(21))
        (root / "training_config.yaml").write_text(CONFIG)
        self.environ = {
            "KAITO_POD_UID": "pod-1",
            "KAITO_BASE_MODEL": "phi-3-tiny",
            "KAITO_DATA_DIR": str(root / "data"),
            "KAITO_MODEL_PATH": str(root / "model"),
            "KAITO_CONFIG_FILE": str(root / "training_config.yaml"),
            "KAITO_RESULTS_DIR": str(self.results),
            "KAITO_TERMINATION_LOG": str(root / "termination-log"),
            "KAITO_GRPC_PORT": "0",
            "KAITO_METRICS_PORT": "0",
            "KAITO_CPU_BFLOAT16": "false",
            "KAITO_CHECKPOINT_SECONDS": "0.1",
        }

    def train(self, processes: int) -> str:
        """Train to the end, and return the log."""
        environ = {**self.environ, "KAITO_PROCESSES": str(processes)}
        code, out, err = run_tuner("train", environ, seconds=600)
        assert code == 0, out + err
        return out

    @contextmanager
    def training(self, processes: int, after: int = 0) -> Iterator[Any]:
        """A training that has written a checkpoint after that of the step `after`."""
        environ = {**self.environ, "KAITO_PROCESSES": str(processes)}
        with running_tuner("train", environ) as process:
            wait_for(lambda: self.checkpoints()[-1:] > [after] or process.poll() is not None)
            yield process

    def checkpoints(self) -> list[int]:
        found = self.results.glob(f"checkpoints/*/{MARKER}")
        return sorted(int(path.parent.name.rpartition("-")[2]) for path in found)

    def points(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.results / "loss.json").read_bytes())[
            "points"
        ]
        return found

    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "termination-log").read_bytes())
        return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Run:
    """The run on one process that nothing interrupts: this one, which has the libraries."""
    run = Run(tmp_path_factory.mktemp("alone"), model_dir)
    settings = Settings.from_env(run.environ)
    begun = TuningRun(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=datetime.now(UTC),
    )
    assert train_phase(settings, StatusPublisher(begun), StopSwitch(), {}) is not None
    return run


@pytest.fixture
def run(tmp_path: Path, model_dir: Path) -> Run:
    return Run(tmp_path, model_dir)


def assert_same(run: Run, alone: Run) -> None:
    """`run` has learned what `alone` has, update by update."""
    assert len(run.points()) == len(alone.points()) == UPDATES
    for found, expected in zip(run.points(), alone.points(), strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], abs=TOLERANCE)
        assert found["tokens"] == expected["tokens"]
    weights, others = (
        load_file(each.results / "adapter" / "adapter_model.safetensors") for each in (run, alone)
    )
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert (weight - others[name]).abs().max() < TOLERANCE, name


def process_of(launcher: int, number: int) -> int:
    """The process that trains as `number`, by what the launcher has set in its environment."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            variables = (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == launcher and f"RANK={number}".encode() in variables:
            return int(path.name)
    raise AssertionError(f"there is no process {number}")


def test_two_processes_learn_what_one_does_however_often_they_are_interrupted(
    run: Run, alone: Run
) -> None:
    """One life, because each start of two processes imports the libraries twice."""
    with run.training(2) as launcher:
        before = run.checkpoints()
        launcher.send_signal(signal.SIGTERM)
        assert launcher.wait(120) == 143
    assert run.message()["reason"] == "TrainingStopped"
    stopped = run.checkpoints()[-1]
    assert before[-1] < stopped < UPDATES

    with run.training(2, after=stopped) as launcher:
        os.kill(process_of(launcher.pid, 1), signal.SIGKILL)
        assert launcher.wait(120) == 1
    message = run.message()
    assert (message["reason"], message["retryable"]) == ("TrainingStopped", True)
    assert message["message"].startswith("process 2 of 2 was killed by SIGKILL, most often")
    assert json.loads((run.results / "deaths.json").read_bytes())["deaths"] == 1
    newest = run.checkpoints()[-1]
    assert stopped < newest < UPDATES

    log = run.train(2)
    assert "training on 2 processes" in log
    assert f"resuming from checkpoint-{newest}" in log
    # One of them speaks for both.
    assert log.count(f"step {UPDATES} of {UPDATES}") == 1
    assert log.count("8 sequences per update, 4 at a time in each of 2 processes") == 1
    assert_same(run, alone)
    plan = json.loads((run.results / "summary.json").read_bytes())["plan"]
    assert (plan["global_batch"], plan["processes"], plan["micro_batch"]) == (8, 2, 4)


def test_a_process_leaves_its_failure_for_the_launcher(run: Run, tmp_path: Path) -> None:
    """And writes no message of its own: the launcher tells which failure was the first."""
    (run.root / "data/train.parquet").unlink()
    reports = tmp_path / "reports"
    reports.mkdir()
    one = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    code, out, err = run_tuner("train", {**run.environ, **one, REPORTS: str(reports)})
    assert code == 1, out + err
    (report,) = read_reports(reports).items()
    assert (report[0], report[1].error.reason) == (1, "DataEmpty")
    assert not (run.root / "termination-log").exists()


def test_a_start_of_the_adapter_that_each_process_would_compute_is_refused(run: Run) -> None:
    pissa = CONFIG.replace("lora_alpha: 8", "lora_alpha: 8, init_lora_weights: pissa")
    (run.root / "training_config.yaml").write_text(pissa)
    code, _, _ = run_tuner("train", {**run.environ, "KAITO_PROCESSES": "2"})
    assert code == 1
    assert run.message()["reason"] == "ConfigInvalid"
    assert run.message()["message"].startswith(
        "LoraConfig.init_lora_weights is pissa, which trains on one process, and KAITO_PROCESSES is"
    )
