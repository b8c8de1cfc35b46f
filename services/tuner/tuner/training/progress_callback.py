"""Publishes the progress of the training, checks its loss, and logs it now and then."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from transformers import TrainerCallback

from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.throughput import Throughput
from tuner.reporting.tuning_run import GpuMemory, Progress, RunState
from tuner.settings import PROGRESS_LOG_SECONDS
from tuner.training.gpu_memory import measure_gpu_memory
from tuner.training.loss_guard import LossGuard, Measurement
from tuner.training.loss_history import REWARD_ACCURACY, REWARD_MARGIN, TIME

logger = logging.getLogger(__name__)


class ProgressCallback(TrainerCallback):  # type: ignore[misc]
    """Publishes the trainer's state after every step."""

    def __init__(
        self,
        publisher: StatusPublisher,
        guard: LossGuard,
        gpu_memory: Callable[[], GpuMemory | None] = measure_gpu_memory,
    ) -> None:
        self._publisher = publisher
        self._guard = guard
        self._gpu_memory = gpu_memory
        self._progress = Progress()
        self._throughput = Throughput(0, 0, 0.0)
        self._last_logged = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Note the total and the first step, which is not 0 after a resume.

        What earlier processes measured is in the checkpoint, and counts as if it were logged now.

        Raises:
            RunError: TRAINING_FAILED, the loss or the gradient was not finite.
        """
        self._throughput = Throughput(
            state.global_step, state.num_input_tokens_seen, time.monotonic()
        )
        if state.global_step > 0:
            self._progress = replace(self._progress, resumed_step=state.global_step)
        for entry in state.log_history:
            self._take(entry["step"], state.max_steps, entry)
        self._publish(state)
        self._publisher.publish(state=RunState.RUNNING)

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Publish after each optimizer step."""
        self._publish(state)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **rest: Any
    ) -> None:
        """Publish what the trainer measured since its last log.

        Raises:
            RunError: TRAINING_FAILED, the loss or the gradient is not finite.
        """
        if state.log_history:
            state.log_history[-1][TIME] = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            self._take(state.global_step, state.max_steps, logs)
        finally:
            # Also when the run stops here: the last value is the one that explains it.
            self._publish(state)
        if "eval_loss" in logs:
            logger.info(
                "step %d of %d: the loss on the rows held back is %.4g",
                state.global_step,
                state.max_steps,
                logs["eval_loss"],
                extra={"step": state.global_step, "eval_loss": logs["eval_loss"]},
            )
        now = time.monotonic()
        is_due = now - self._last_logged >= PROGRESS_LOG_SECONDS
        if "loss" in logs and (is_due or state.global_step == state.max_steps):
            self._last_logged = now
            self._log()

    def _take(self, step: int, total_steps: int, logs: Mapping[str, Any]) -> None:
        """The final log, of the whole training, carries neither `loss` nor `eval_loss`."""
        if "loss" in logs:
            self._progress = replace(
                self._progress,
                loss=logs["loss"],
                learning_rate=logs.get("learning_rate"),
                gradient_norm=logs.get("grad_norm"),
                reward_accuracy=logs.get(REWARD_ACCURACY),
                reward_margin=logs.get(REWARD_MARGIN),
            )
            self._guard.check(
                Measurement(
                    step=step,
                    total_steps=total_steps,
                    loss=logs["loss"],
                    gradient_norm=logs.get("grad_norm"),
                    learning_rate=logs.get("learning_rate"),
                )
            )
        if "eval_loss" in logs:
            self._progress = replace(self._progress, eval_loss=logs["eval_loss"], eval_step=step)
            self._guard.check_evaluation(step, total_steps, logs["eval_loss"])

    def _publish(self, state: Any) -> None:
        now = time.monotonic()
        tokens = state.num_input_tokens_seen
        self._progress = replace(
            self._progress,
            step=state.global_step,
            total_steps=state.max_steps,
            epoch=float(state.epoch or 0.0),
            tokens_per_second=self._throughput.tokens_per_second(tokens, now),
            eta_seconds=self._throughput.eta_seconds(state.global_step, state.max_steps, now),
        )
        self._publisher.publish(
            progress=self._progress,
            divergence=self._guard.divergence,
            gpu_memory=self._gpu_memory(),
        )

    def _log(self) -> None:
        progress = self._progress
        logger.info(
            "step %d of %d",
            progress.step,
            progress.total_steps,
            extra={
                "step": progress.step,
                "total_steps": progress.total_steps,
                "epoch": round(progress.epoch, 3),
                "loss": progress.loss,
                "tokens_per_second": round(progress.tokens_per_second, 1),
                "eta_seconds": progress.eta_seconds and round(progress.eta_seconds),
            },
        )
