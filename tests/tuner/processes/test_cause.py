"""Which of several failures ended a training."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tuner.errors import RunError
from tuner.processes.cause import find_cause
from tuner.processes.errors import LessMemoryNeeded, PeerLost, ProcessKilled
from tuner.processes.report import read_reports, write_report
from tuner.reasons import Reason

LOST = PeerLost("RuntimeError: Connection closed by peer")
FULL = RunError(Reason.OUT_OF_MEMORY, "out of memory in step 3")
BAD = RunError(Reason.TRAINING_FAILED, "the loss is nan")
AGAIN = LessMemoryNeeded(Reason.OUT_OF_MEMORY, "half of it would fit", retryable=True)


def _cause(directory: Path, errors: Mapping[int, RunError], codes: Mapping[int, int]) -> RunError:
    for time, (number, error) in enumerate(errors.items()):
        write_report(directory, number, error, float(time))
    return find_cause(read_reports(directory), codes, 4)


@pytest.mark.parametrize(
    ("errors", "codes", "message"),
    [
        pytest.param({1: FULL, 0: LOST}, {0: 1, 1: 1}, "out of memory in step 3", id="cause"),
        pytest.param({0: LOST, 1: FULL}, {0: 1, 1: 1}, "out of memory in step 3", id="late"),
        pytest.param({0: BAD, 1: FULL}, {0: 1, 1: 1}, "the loss is nan", id="first of two"),
        pytest.param({1: FULL}, {0: -9, 1: 1}, "out of memory in step 3", id="hung"),
        pytest.param({0: LOST}, {0: 1, 1: -9}, "process 2 of 4 was killed by SIGKILL", id="killed"),
        pytest.param({}, {0: -6, 1: -9, 2: -15}, "process 2 of 4 was killed by SIGKILL", id="NCCL"),
        pytest.param({}, {0: -11, 1: -6}, "process 1 of 4 was killed by SIGSEGV", id="crash"),
        pytest.param({0: LOST}, {0: 1, 1: 143}, "the connection to another process", id="node"),
        pytest.param({}, {0: 143, 1: 143}, "was stopped by a signal", id="stopped"),
        pytest.param({}, {0: 2, 1: -15}, "without a message (exit codes of 1: 2, 2: -15)", id="?"),
    ],
)
def test_the_first_cause_is_the_failure_of_the_run(
    errors: Mapping[int, RunError], codes: Mapping[int, int], message: str, tmp_path: Path
) -> None:
    assert message in _cause(tmp_path, errors, codes).message


def test_a_killed_process_and_a_lost_one_resume(tmp_path: Path) -> None:
    killed = _cause(tmp_path, {0: LOST}, {0: 1, 1: -9})
    assert isinstance(killed, ProcessKilled)
    assert (killed.reason, killed.retryable) == (Reason.TRAINING_STOPPED, True)
    assert LOST.retryable


def test_a_process_that_needs_less_memory_starts_all_again(tmp_path: Path) -> None:
    cause = _cause(tmp_path, {1: AGAIN, 0: LOST}, {0: 1, 1: 1})
    assert isinstance(cause, LessMemoryNeeded)
    assert cause.message == "half of it would fit"


def test_the_report_keeps_what_a_condition_needs(tmp_path: Path) -> None:
    error = RunError(Reason.DATA_ROWS_LOST, "too many", data={"rows": 9})
    cause = _cause(tmp_path, {0: error}, {0: 1})
    assert (cause.reason, cause.message, cause.data) == (error.reason, "too many", {"rows": 9})
    assert not cause.retryable
