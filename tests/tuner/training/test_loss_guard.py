"""A run that computes nonsense stops; one that gets worse is reported."""

import logging
import math

import pytest

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.loss_guard import FLOAT16_OVERFLOWS, LossGuard, Measurement


def _measured(step: int, loss: float = 1.0, gradient_norm: float | None = 0.5) -> Measurement:
    return Measurement(
        step=step, total_steps=90, loss=loss, gradient_norm=gradient_norm, learning_rate=2e-4
    )


@pytest.mark.parametrize(
    ("loss", "gradient_norm", "expected"),
    [
        (math.nan, 0.5, "step 3 of 90: the loss is nan (norm of the gradient: 0.5) at"),
        (math.inf, None, "step 3 of 90: the loss is inf at a learning rate of 0.0002"),
        (1.0, math.nan, "step 3 of 90: the norm of the gradient is nan (loss: 1) at"),
        (1.0, math.inf, "the norm of the gradient is inf"),
    ],
)
def test_value_that_is_not_finite_stops_the_run(
    loss: float, gradient_norm: float | None, expected: str
) -> None:
    with pytest.raises(RunError) as caught:
        LossGuard().check(_measured(3, loss, gradient_norm))
    assert caught.value.reason is Reason.TRAINING_FAILED
    assert not caught.value.retryable
    assert expected in caught.value.message
    assert "lower TrainingArguments.learning_rate" in caught.value.message


def test_overflows_of_gradient_scaling_are_tolerated_for_a_while() -> None:
    guard = LossGuard(scales_gradients=True)
    for step in range(FLOAT16_OVERFLOWS):
        guard.check(_measured(step, gradient_norm=math.inf))
    guard.check(_measured(FLOAT16_OVERFLOWS))
    for step in range(FLOAT16_OVERFLOWS):
        guard.check(_measured(step, gradient_norm=math.inf))
    with pytest.raises(RunError):
        guard.check(_measured(FLOAT16_OVERFLOWS, gradient_norm=math.inf))


def test_diverging_loss_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    guard = LossGuard()
    for step in range(60):
        guard.check(_measured(step, loss=3.0 - 0.1 * step if step < 20 else 0.2 * step))
    (record,) = caplog.records
    assert "the loss diverges" in record.message
    assert "the learning rate is 0.0002" in record.message
    assert guard.divergence is not None
    assert 20 < guard.divergence.step < 40
    assert guard.divergence.loss > 1.5 * guard.divergence.lowest_loss
    assert "lower TrainingArguments.learning_rate" in guard.divergence.remedy


def test_falling_and_noisy_loss_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    guard = LossGuard()
    for step in range(90):
        guard.check(_measured(step, loss=3.0 - 0.01 * step + 0.8 * (step % 2)))
    assert not caplog.records
    assert guard.divergence is None


def test_loss_on_held_back_rows_that_is_not_finite_stops_the_run() -> None:
    with pytest.raises(RunError, match="step 3 of 90: the loss on the rows held back is nan"):
        LossGuard().check_evaluation(3, 90, math.nan)
    LossGuard().check_evaluation(3, 90, 1.5)
