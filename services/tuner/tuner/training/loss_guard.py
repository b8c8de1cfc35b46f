"""Stops a training that computes nonsense, and reports one that gets worse. No library."""

import logging
import math
from dataclasses import dataclass, field
from statistics import fmean

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.reporting.tuning_run import Divergence

logger = logging.getLogger(__name__)

# Gradient scaling starts at 2**16 and halves after each overflow. So float16 needs up to 16 steps
# whose gradients overflow, which the scaler skips, before more of them mean a fault.
FLOAT16_OVERFLOWS = 20
# The loss of a single step is noisy: means of this many are compared.
AVERAGED_LOSSES = 10
# The mean loss has to exceed the lowest one so far by this factor, and the first one.
DIVERGENCE = 1.5

REMEDY = (
    "lower TrainingArguments.learning_rate in training_config.yaml (2e-4 suits most adapters), "
    "set TrainingArguments.max_grad_norm to 1, or use ModelConfig.torch_dtype bfloat16 or float32"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What the trainer logs after a step; None if it did not measure it."""

    step: int
    total_steps: int
    loss: float
    gradient_norm: float | None
    learning_rate: float | None


@dataclass(slots=True)
class LossGuard:
    """`scales_gradients`: the training uses float16, where single overflows are normal.

    `divergence` is set from the first step on at which the loss diverges.
    """

    scales_gradients: bool = False
    divergence: Divergence | None = None
    _losses: list[float] = field(default_factory=list)
    _first: float | None = None
    _lowest: float = math.inf
    _overflows: int = 0

    def check(self, measured: Measurement) -> None:
        """Check one step.

        Raises:
            RunError: TRAINING_FAILED, the loss or the gradient is not finite.
        """
        if not math.isfinite(measured.loss):
            raise _overflow("loss", measured.loss, measured)
        gradient = measured.gradient_norm
        if gradient is not None and not math.isfinite(gradient):
            self._overflows += 1
            if not self.scales_gradients or self._overflows > FLOAT16_OVERFLOWS:
                raise _overflow("norm of the gradient", gradient, measured)
        else:
            self._overflows = 0
        self._find_divergence(measured)

    def check_evaluation(self, step: int, total_steps: int, loss: float) -> None:
        """Check the loss on the rows held back.

        Raises:
            RunError: TRAINING_FAILED, it is not finite.
        """
        if not math.isfinite(loss):
            raise RunError(
                Reason.TRAINING_FAILED,
                f"step {step} of {total_steps}: the loss on the rows held back is {_number(loss)}, "
                f"so the adapter would be useless; {REMEDY}",
            )

    def _find_divergence(self, measured: Measurement) -> None:
        self._losses = [*self._losses[1 - AVERAGED_LOSSES :], measured.loss]
        if len(self._losses) < AVERAGED_LOSSES:
            return
        mean = fmean(self._losses)
        if self._first is None:
            self._first = mean
        self._lowest = min(self._lowest, mean)
        if self.divergence is not None or mean <= max(self._first, self._lowest * DIVERGENCE):
            return
        self.divergence = Divergence(measured.step, mean, self._lowest, REMEDY)
        logger.warning(
            "step %d of %d: the loss diverges: the mean of the last %d is %.4g, the lowest was "
            "%.4g; the learning rate is %s. The run continues; to improve it, %s",
            measured.step,
            measured.total_steps,
            AVERAGED_LOSSES,
            mean,
            self._lowest,
            _number(measured.learning_rate),
            REMEDY,
        )


def _overflow(what: str, value: float, measured: Measurement) -> RunError:
    gradient = ""
    if what == "loss" and measured.gradient_norm is not None:
        gradient = f" (norm of the gradient: {_number(measured.gradient_norm)})"
    elif what != "loss":
        gradient = f" (loss: {_number(measured.loss)})"
    return RunError(
        Reason.TRAINING_FAILED,
        f"step {measured.step} of {measured.total_steps}: the {what} is {_number(value)}{gradient} "
        f"at a learning rate of {_number(measured.learning_rate)}, so the adapter would be "
        f"useless; {REMEDY}",
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
