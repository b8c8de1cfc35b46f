"""A tracker that is slow, broken or silent never reaches the training."""

import threading
from typing import Any

import pytest
from transformers import TrainerCallback, TrainerState

from tuner.tracking.background import BackgroundTracker, Trackers


class RecordingCallback(TrainerCallback):  # type: ignore[misc]
    """Records its calls, after `gate` is open; `fail` is raised by the first log."""

    def __init__(self, gate: threading.Event | None = None, fail: BaseException | None = None):
        self.calls: list[Any] = []
        self.gate = gate
        self.fail = fail

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if self.gate is not None:
            self.gate.wait(60)
        self.calls.append(("begin", state.max_steps, rest["model"].config))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any, **rest: Any) -> None:
        fail, self.fail = self.fail, None
        if fail is not None:
            raise fail
        self.calls.append((state.global_step, logs["loss"]))

    def on_train_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self.calls.append("end")


class Model:
    config = "a config"


def _trackers(target: RecordingCallback, most: int = 100, fails: int = 0) -> Trackers:
    """`fails`: how often the library fails to start."""
    failures = [SystemExit(1)] * fails

    def create() -> TrainerCallback:
        if failures:
            raise failures.pop()
        return target

    tracker = BackgroundTracker(
        "MLflow",
        create,
        lambda: target.calls.append("finished"),
        lambda text: text.replace("s3cret", "***"),
        most,
    )
    return Trackers([tracker])


def _train(tracker: Trackers, steps: int) -> None:
    state = TrainerState(max_steps=steps)
    tracker.on_train_begin(None, state, None, model=Model())
    logs = {"loss": 0.0}
    for step in range(1, steps + 1):
        state.global_step, logs["loss"] = step, 10.0 - step
        tracker.on_log(None, state, None, logs)


def test_everything_is_reported_in_order(caplog: pytest.LogCaptureFixture) -> None:
    target = RecordingCallback()
    tracker = _trackers(target)
    _train(tracker, 3)
    tracker.close(60)
    assert target.calls == [
        ("begin", 3, "a config"),
        (1, 9.0),
        (2, 8.0),
        (3, 7.0),
        "end",
        "finished",
    ]
    assert not caplog.records


def test_error_is_reported_once_without_secrets_and_later_values_arrive(
    caplog: pytest.LogCaptureFixture,
) -> None:
    target = RecordingCallback(fail=ConnectionError("http://user:s3cret@mlflow refused\nmore"))
    tracker = _trackers(target)
    _train(tracker, 3)
    tracker.close(60)
    assert target.calls[1:] == [(2, 8.0), (3, 7.0), "end", "finished"]
    first, last = [record.message for record in caplog.records]
    assert first == (
        "cannot report to MLflow: ConnectionError: http://user:***@mlflow refused; the run "
        "continues, and later values are tried again"
    )
    assert "at least 1 reports are missing" in last


def test_library_that_cannot_start_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    target = RecordingCallback()
    tracker = _trackers(target, fails=1)
    _train(tracker, 2)
    tracker.close(60)
    assert target.calls == [(1, 9.0), (2, 8.0), "end", "finished"]
    assert "cannot report to MLflow: SystemExit: 1" in caplog.text


def test_stalled_tracker_holds_up_neither_the_training_nor_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()
    target = RecordingCallback(gate)
    tracker = _trackers(target, most=5)
    _train(tracker, 50)
    tracker.close(0.05)
    assert target.calls == []
    assert "cannot report to MLflow: it is too slow" in caplog.text
    assert "MLflow has not received everything" in caplog.text
    gate.set()


def test_training_that_never_began_closes() -> None:
    target = RecordingCallback()
    tracker = _trackers(target)
    tracker.close(60)
    assert target.calls == []
