"""What the trainer measures becomes the run's progress, also over a resume."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from transformers import TrainerState

from tuner.errors import RunError
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import GpuMemory, RunState, TuningRun
from tuner.training.loss_guard import LossGuard
from tuner.training.progress_callback import ProgressCallback


@pytest.fixture
def publisher() -> StatusPublisher:
    started = datetime.now(UTC)
    return StatusPublisher(TuningRun(name="a/b", base_model="m", method="lora", start_time=started))


def _callback(publisher: StatusPublisher) -> ProgressCallback:
    return ProgressCallback(publisher, LossGuard(), lambda: GpuMemory(3, 16))


def _log(callback: ProgressCallback, state: TrainerState, **logs: float) -> None:
    """As transformers.Trainer.log does it."""
    state.log_history.append({**logs, "step": state.global_step})
    callback.on_log(None, state, None, logs)


def _falling_then_rising(step: int) -> float:
    return 3.0 - 0.1 * step if step < 20 else 0.2 * step


def test_training_and_evaluations_are_published(publisher: StatusPublisher) -> None:
    state = TrainerState(max_steps=4, global_step=0, epoch=0.0)
    callback = _callback(publisher)
    callback.on_train_begin(None, state, None)
    assert publisher.run.state is RunState.RUNNING
    assert publisher.run.progress.resumed_step is None
    state.global_step, state.epoch = 2, 0.5
    callback.on_step_end(None, state, None)
    _log(callback, state, loss=1.5, learning_rate=2e-4, grad_norm=0.25)
    _log(callback, state, eval_loss=1.75)
    _log(callback, state, train_runtime=7.0, train_loss=9.0)
    progress = publisher.run.progress
    assert (progress.step, progress.total_steps, progress.epoch) == (2, 4, 0.5)
    assert (progress.loss, progress.learning_rate, progress.gradient_norm) == (1.5, 2e-4, 0.25)
    assert (progress.eval_loss, progress.eval_step) == (1.75, 2)
    assert publisher.run.gpu_memory == GpuMemory(3, 16)
    assert publisher.run.divergence is None
    assert all(datetime.fromisoformat(entry["time"]) for entry in state.log_history)


def test_divergence_is_published(publisher: StatusPublisher) -> None:
    state: Any = TrainerState(max_steps=90)
    callback = _callback(publisher)
    callback.on_train_begin(None, state, None)
    for step in range(60):
        state.global_step = step
        _log(callback, state, loss=_falling_then_rising(step))
    assert publisher.run.divergence is not None
    assert 20 < publisher.run.divergence.step < 40


def test_resumed_training_knows_what_was_measured_before(publisher: StatusPublisher) -> None:
    history = [{"loss": _falling_then_rising(step), "step": step} for step in range(1, 60)]
    history.insert(30, {"eval_loss": 4.5, "step": 30})
    _callback(publisher).on_train_begin(
        None, TrainerState(max_steps=90, global_step=59, log_history=history), None
    )
    run = publisher.run
    assert (run.progress.step, run.progress.resumed_step) == (59, 59)
    assert run.progress.loss == _falling_then_rising(59)
    assert (run.progress.eval_loss, run.progress.eval_step) == (4.5, 30)
    assert run.divergence is not None
    assert run.divergence.step < 40


@pytest.mark.parametrize("measured", [{"loss": math.nan}, {"eval_loss": math.inf}])
def test_value_that_ends_the_run_is_published(
    measured: dict[str, float], publisher: StatusPublisher
) -> None:
    state = TrainerState(max_steps=4, global_step=3)
    callback = _callback(publisher)
    with pytest.raises(RunError, match=r"is (nan|inf)"):
        _log(callback, state, **measured)
    progress = publisher.run.progress
    values = {"loss": progress.loss, "eval_loss": progress.eval_loss}
    assert progress.step == 3
    assert {name: values[name] for name in measured} == pytest.approx(measured, nan_ok=True)
