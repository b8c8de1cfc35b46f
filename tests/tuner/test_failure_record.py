"""A permanent failure is not repeated by the restarts of its container."""

from pathlib import Path

import pytest

from tuner.errors import RunError, Terminated
from tuner.failure_record import recorded_failures
from tuner.reasons import Reason

PERMANENT = RunError(Reason.OUT_OF_MEMORY, "out of memory; choose a larger resource.instanceType")


def _attempt(path: Path, attempt: str, error: BaseException | None = None) -> None:
    with recorded_failures(path, attempt):
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (PERMANENT, PERMANENT.reason, PERMANENT.message),
        (KeyError("x"), Reason.TRAINING_FAILED, "failed unexpectedly: KeyError: 'x'"),
    ],
)
def test_permanent_failure_is_raised_again_without_work(
    error: Exception, reason: Reason, message: str, tmp_path: Path
) -> None:
    with pytest.raises(type(error)):
        _attempt(tmp_path / "f", "pod-1", error)
    with pytest.raises(RunError) as caught:
        _attempt(tmp_path / "f", "pod-1", AssertionError("it must not work again"))
    assert caught.value.reason is reason
    assert message in caught.value.message
    assert not caught.value.retryable


def test_failure_with_another_reason_is_tried_again(tmp_path: Path) -> None:
    path, reasons = tmp_path / "f", {Reason.DATA_EMPTY}
    with pytest.raises(RunError), recorded_failures(path, "pod-1", reasons):
        raise PERMANENT
    with recorded_failures(path, "pod-1", reasons):
        pass


def test_another_attempt_works(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        _attempt(tmp_path / "f", "pod-1", PERMANENT)
    _attempt(tmp_path / "f", "pod-2")


@pytest.mark.parametrize("error", [RunError(Reason.DATA_UNREACHABLE, "x"), Terminated()])
def test_failure_that_may_pass_is_tried_again(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        _attempt(tmp_path / "f", "pod-1", error)
    _attempt(tmp_path / "f", "pod-1")


def test_run_without_a_pod_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        _attempt(tmp_path / "f", "", PERMANENT)
    _attempt(tmp_path / "f", "")


def test_unreadable_record_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("{")
    _attempt(tmp_path / "f", "pod-1")
