"""Requests checkpoints on schedule, and a last one when the run has to stop."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tuner.processes.rank import Rank
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import Checkpoint
from tuner.stop_switch import StopSwitch
from tuner.training.agreement import Agreement
from tuner.training.checkpoint_schedule import CheckpointSchedule
from tuner.training.checkpoints import MARKER, PREFIX, mark_complete
from tuner.training.shared_checkpoint import share_random_states


class CheckpointCallback(TrainerCallback):  # type: ignore[misc]
    """Tells the trainer when to save a checkpoint and when to stop."""

    def __init__(
        self,
        publisher: StatusPublisher,
        switch: StopSwitch,
        agreement: Agreement,
        rank: Rank | None,
        fingerprint: str,
        plan: Mapping[str, Any],
        min_interval_seconds: float,
    ) -> None:
        self._publisher = publisher
        self._switch = switch
        self._agreement = agreement
        self._rank = rank
        self._fingerprint = fingerprint
        self._plan = plan
        self._schedule = CheckpointSchedule(min_interval_seconds, time.monotonic())
        self._step_ended = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Start the schedule here: loading and preparing do not count."""
        self._schedule = replace(self._schedule, last=time.monotonic())
        folder = self._folder(args, state)
        if (folder / MARKER).exists():
            saved = datetime.fromtimestamp((folder / MARKER).stat().st_mtime, UTC)
            self._publisher.publish(checkpoint=Checkpoint(state.global_step, str(folder), saved))

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Stop or save after an optimizer step, the only place where a run can be interrupted.

        All processes of a training do so at the same step, whichever of them is interrupted.
        """
        self._step_ended = time.monotonic()
        terminated, stopped, due = self._agreement.any(
            self._switch.terminated,
            self._switch.stop_requested,
            self._agreement.reporting and self._schedule.is_due(self._step_ended),
        )
        if terminated:
            self._switch.terminate()
        if stopped:
            control.should_save = control.should_training_stop = True
        elif due and state.global_step < state.max_steps:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Mark the checkpoint complete: the trainer has written all of its files."""
        self._agreement.wait()
        folder = self._folder(args, state)
        share_random_states(folder, self._rank, self._agreement)
        if self._rank is None or self._rank.first_on_node:
            mark_complete(folder, self._fingerprint, self._plan)
        if not self._agreement.reporting:
            return
        now = time.monotonic()
        self._schedule = replace(self._schedule, last=now, cost_seconds=now - self._step_ended)
        self._publisher.publish(
            checkpoint=Checkpoint(state.global_step, str(folder), datetime.now(UTC))
        )

    def _folder(self, args: Any, state: Any) -> Path:
        return Path(args.output_dir) / f"{PREFIX}{state.global_step}"
