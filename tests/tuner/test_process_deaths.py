"""Processes of a run that are killed, counted by the next one."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.errors import RunError, Terminated
from tuner.process_deaths import MOST_DEATHS, counted_deaths, kept_log
from tuner.processes.errors import ProcessKilled
from tuner.reasons import Reason

logger = logging.getLogger("tuner.training")
# It is killed while it trains, so the record stays. A crash of the interpreter leaves its stack.
DIES = """
import faulthandler, logging, pathlib, sys
from tuner.process_deaths import counted_deaths, kept_log
root = pathlib.Path(sys.argv[1])
with counted_deaths(root / "deaths.json", root / "log", "pod-1", 5), kept_log(root / "log"):
    logging.getLogger("tuner.training").warning("step 7 of 12")
    faulthandler._sigsegv()
"""


class Pod:
    """The containers of one pod, one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def start(self, attempt: str = "pod-1", step: int = -1, *, dies: bool = False) -> int:
        """A process: how many died before it. One that `dies` leaves the record as it is."""
        record = self.root / "deaths.json"
        log = self.root / "log"
        with counted_deaths(record, log, attempt, step) as deaths, kept_log(log):
            logger.warning("step %d of 12", step + 1)
            left = record.read_text() if record.exists() else ""
        if dies:
            record.write_text(left)
        return deaths


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_deaths_in_a_row_end_the_run_with_the_last_log_lines(pod: Pod) -> None:
    assert [pod.start(step=4, dies=True) for _ in range(MOST_DEATHS)] == [0, 1, 2]
    with pytest.raises(
        RunError, match="killed 3 times in a row after step 4, most often"
    ) as caught:
        pod.start(step=4)
    assert (caught.value.reason, caught.value.retryable) == (Reason.TRAINING_FAILED, False)
    assert caught.value.message.endswith("its last log lines: tuner.training: step 5 of 12")


def test_a_run_without_a_checkpoint_says_so(pod: Pod) -> None:
    for _ in range(MOST_DEATHS):
        pod.start(dies=True)
    with pytest.raises(RunError, match="3 times in a row before its first checkpoint"):
        pod.start()


def test_a_run_that_makes_progress_is_killed_as_often_as_may_be(pod: Pod) -> None:
    assert [pod.start(step=step, dies=True) for step in range(10)] == [0] * 10


@pytest.mark.parametrize("attempt", ["pod-2", ""])
def test_another_pod_starts_from_zero(pod: Pod, attempt: str) -> None:
    for _ in range(MOST_DEATHS):
        pod.start(dies=True)
    assert pod.start(attempt) == 0


def test_a_process_that_ends_by_itself_was_not_killed(pod: Pod, tmp_path: Path) -> None:
    def end(error: BaseException) -> None:
        with counted_deaths(tmp_path / "deaths.json", tmp_path / "log", "pod-1", -1) as deaths:
            assert deaths == 0
            raise error

    for error in (ValueError(), Terminated()):
        with pytest.raises(type(error)):
            end(error)
    assert pod.start() == 0
    assert not (tmp_path / "deaths.json").exists()


def test_a_crash_of_the_interpreter_is_among_the_last_words(pod: Pod, tmp_path: Path) -> None:
    for _ in range(MOST_DEATHS):
        command = [sys.executable, "-c", DIES, str(tmp_path)]
        ended = subprocess.run(command, env={"PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
        assert ended.returncode == -signal.SIGSEGV
    with pytest.raises(RunError, match="its last log lines: Fatal Python error: Segmentation fa"):
        pod.start(step=5)


def test_a_process_of_a_training_that_is_killed_counts(tmp_path: Path) -> None:
    def end(expected: int) -> None:
        with counted_deaths(tmp_path / "deaths.json", tmp_path / "log", "pod-1", 5) as deaths:
            assert deaths == expected
            raise ProcessKilled("process 2 of 2 was killed by SIGKILL")

    for number in range(MOST_DEATHS):
        with pytest.raises(ProcessKilled):
            end(number)
    with pytest.raises(RunError, match="the trainer was killed 3 times in a row after step 5"):
        end(MOST_DEATHS)
