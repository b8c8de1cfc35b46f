"""What happens beside the steps: the run's progress is posted, checkpoints are due, a stop is
wanted."""

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tuner.reporting.board import Board
from tuner.reporting.run import Checkpoint, Pace, Progress, State
from tuner.stop import StopSwitch
from tuner.training.checkpoints import PREFIX, Cadence, mark_complete

logger = logging.getLogger(__name__)

LOG_EVERY_S = 5.0


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Posts the trainer's state to the board, and now and then to the log."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._progress = Progress()
        self._pace = Pace(0, 0, 0.0)
        self._said = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """The total and the first step (not 0 on resuming) are known."""
        self._pace = Pace(state.global_step, state.num_input_tokens_seen, time.monotonic())
        self._post(state)
        self._board.post(state=State.RUNNING)

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """One optimizer step is done."""
        self._post(state)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **rest: Any
    ) -> None:
        """What was measured since the last time."""
        if "loss" not in logs:
            return
        self._progress = replace(
            self._progress,
            loss=logs["loss"],
            learning_rate=logs.get("learning_rate"),
            gradient_norm=logs.get("grad_norm"),
        )
        self._post(state)
        now = time.monotonic()
        if now - self._said >= LOG_EVERY_S or state.global_step == state.max_steps:
            self._said = now
            self._say()

    def _post(self, state: Any) -> None:
        now = time.monotonic()
        self._progress = replace(
            self._progress,
            step=state.global_step,
            total_steps=state.max_steps,
            epoch=float(state.epoch or 0.0),
            tokens_per_second=self._pace.tokens_per_second(state.num_input_tokens_seen, now),
            eta_seconds=self._pace.eta_seconds(state.global_step, state.max_steps, now),
        )
        self._board.post(progress=self._progress)

    def _say(self) -> None:
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


class Saver(TrainerCallback):  # type: ignore[misc]
    """Asks for checkpoints by the cadence, and for the last one when a stop is wanted."""

    def __init__(self, board: Board, switch: StopSwitch, fingerprint: str, shortest: float) -> None:
        self._board = board
        self._switch = switch
        self._fingerprint = fingerprint
        self._cadence = Cadence(shortest, time.monotonic())
        self._asked_at = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Loading and preparing do not count."""
        self._cadence = replace(self._cadence, last=time.monotonic())

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """One optimizer step is done: the only place where a run may be cut."""
        self._asked_at = time.monotonic()
        if self._switch.wanted:
            control.should_save = control.should_training_stop = True
        elif self._cadence.due(self._asked_at) and state.global_step < state.max_steps:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """The trainer has written all files of a checkpoint."""
        folder = Path(args.output_dir) / f"{PREFIX}{state.global_step}"
        mark_complete(folder, self._fingerprint)
        now = time.monotonic()
        self._cadence = replace(self._cadence, last=now, cost=now - self._asked_at)
        self._board.post(checkpoint=Checkpoint(state.global_step, str(folder), datetime.now(UTC)))
