"""Converts a TuningRun to the contract's Tuning message."""

from datetime import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from kaito.tuning.v1 import tuning_pb2
from tuner.reporting.tuning_run import Progress, TuningRun


def to_message(run: TuningRun) -> tuning_pb2.Tuning:
    """The Tuning message for `run`."""
    message = tuning_pb2.Tuning(
        name=run.name,
        state=run.state.value,
        base_model=run.base_model,
        method=run.method,
        progress=_progress(run.progress),
        start_time=_time(run.start_time),
    )
    if run.end_time is not None:
        message.end_time.CopyFrom(_time(run.end_time))
    if run.error is not None:
        message.error.reason = run.error.reason.value
        message.error.message = run.error.message
        message.error.retryable = run.error.retryable
    if run.checkpoint is not None:
        message.checkpoint.step = run.checkpoint.step
        message.checkpoint.path = run.checkpoint.path
        message.checkpoint.time.CopyFrom(_time(run.checkpoint.time))
    if run.adapter is not None:
        message.adapter.image = run.adapter.image
        message.adapter.digest = run.adapter.digest
        message.adapter.size = run.adapter.size
    if (divergence := run.divergence) is not None:
        message.divergence.step = divergence.step
        message.divergence.loss = divergence.loss
        message.divergence.lowest_loss = divergence.lowest_loss
        message.divergence.remedy = divergence.remedy
    if (lost := run.lost_rows) is not None:
        message.lost_rows.CopyFrom(
            tuning_pb2.LostRows(
                rows=lost.rows, dropped=lost.dropped, cut=lost.cut, by_cause=lost.by_cause
            )
        )
    if run.gpu_memory is not None:
        message.gpu_memory.peak_bytes = run.gpu_memory.peak_bytes
        message.gpu_memory.total_bytes = run.gpu_memory.total_bytes
    return message


def _progress(progress: Progress) -> tuning_pb2.Progress:
    message = tuning_pb2.Progress(
        step=progress.step,
        total_steps=progress.total_steps,
        epoch=progress.epoch,
        loss=progress.loss,
        learning_rate=progress.learning_rate,
        gradient_norm=progress.gradient_norm,
        tokens_per_second=progress.tokens_per_second,
        eval_loss=progress.eval_loss,
        eval_step=progress.eval_step,
        resumed_step=progress.resumed_step,
        reward_accuracy=progress.reward_accuracy,
        reward_margin=progress.reward_margin,
    )
    if progress.eta_seconds is not None:
        message.eta.CopyFrom(Duration(seconds=int(progress.eta_seconds)))
    return message


def _time(value: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(value)
    return message
