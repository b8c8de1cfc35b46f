"""One training on one process and on two, which meet over gloo on the CPU."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.tuner.process import run_tuner
from tests.tuner.processes.runs import CONFIG, UPDATES, Run, assert_same
from tuner.processes.rank import REPORTS
from tuner.processes.report import read_reports

# Each process imports torch and the libraries on top of it: a minute on a busy machine.
pytestmark = pytest.mark.timeout(900)


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
