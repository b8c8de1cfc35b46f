"""The training: load, prepare, train, save."""

import gc
import logging
from datetime import UTC, datetime
from importlib.metadata import version

import torch
from transformers import TrainerState

from tuner.base_model.error_translation import out_of_memory_errors, quote
from tuner.batching.execution_plan import made_before
from tuner.batching.less_memory import MemoryLimit, limit_below
from tuner.processes.errors import LessMemoryNeeded
from tuner.reporting.status_publisher import StatusPublisher
from tuner.stop_switch import StopSwitch
from tuner.summary import TrainingSummary
from tuner.tracking.background import CLOSE_SECONDS, TERMINATING_SECONDS, Trackers
from tuner.training.adapter import save_adapter
from tuner.training.agreement import Agreement
from tuner.training.checkpoints import read_plan
from tuner.training.divided_evaluation import EvaluationShortage
from tuner.training.libraries import configure_libraries
from tuner.training.loss_files import add_loss_to_adapter, save_loss
from tuner.training.loss_guard import AVERAGED_LOSSES
from tuner.training.loss_history import loss_history
from tuner.training.memory_record import read_limit, record_limit
from tuner.training.memory_shortage import (
    MemoryShortage,
    evaluation_shortage,
    memory_shortages,
)
from tuner.training.shared_checkpoint import agreed_checkpoint
from tuner.training.trainer import BuiltTrainer, build_trainer
from tuner.training.training_job import TrainingJob

logger = logging.getLogger(__name__)

# Recorded in the summary, so that a surprising result can be traced to an upgrade.
RECORDED_VERSIONS = ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets")


def train(
    job: TrainingJob,
    publisher: StatusPublisher,
    switch: StopSwitch,
    trackers: Trackers,
) -> TrainingSummary | None:
    """Train, report to `trackers`, and leave the adapter in the results.

    Returns None if a stop was requested before the last step; a checkpoint has been written then.

    Raises:
        RunError: the training cannot be done.
        Terminated: a signal arrived while the trainer was being built.
    """
    configure_libraries()
    try:
        limit = _agreed_limit(job)
        return _train_within_memory(job, publisher, switch, trackers, limit)
    finally:
        trackers.close(TERMINATING_SECONDS if switch.terminated else CLOSE_SECONDS)


def _agreed_limit(job: TrainingJob) -> MemoryLimit | None:
    """The least that any process of the training has room for; None if none has come to that."""
    limits = [each for each in job.agreement.gather(_memory_limit(job)) if each is not None]
    if not limits:
        return None
    return MemoryLimit(
        min(each.micro_batch for each in limits), any(each.checkpointing for each in limits)
    )


def _memory_limit(job: TrainingJob) -> MemoryLimit | None:
    """What an earlier process of the pod has left room for; None if it has not come to that.

    A process that the kernel kills for its memory cannot say so.
    """
    limit = read_limit(job.results.memory_limit, job.attempt)
    tried = read_limit(job.results.tried, job.attempt)
    if limit is None and tried is not None and job.deaths:
        limit = limit_below(tried, job.config.training)
        if limit is not None:
            logger.warning(
                "the process before this one was killed, most often for its memory; this one "
                "computes %d at a time, and as many for an update as before",
                limit.micro_batch,
            )
            record_limit(job.results.memory_limit, job.attempt, limit)
    return limit


def _train_within_memory(
    job: TrainingJob,
    publisher: StatusPublisher,
    switch: StopSwitch,
    trackers: Trackers,
    limit: MemoryLimit | None,
) -> TrainingSummary | None:
    """Train, and if the memory does not suffice, once more with half as much at a time.

    What is learned stays the same: an update has as many examples, and it goes on from the newest
    checkpoint. `limit` is what an earlier process has found to fit; then there is no second time.
    """
    try:
        return _train(job, publisher, switch, trackers, limit)
    except MemoryShortage as error:
        if limit is not None or error.retry is None:
            raise
        limit = error.retry
        logger.warning(
            "%s; the training goes on from its newest checkpoint with %d at a time%s, and as many "
            "for an update as before",
            error.message,
            limit.micro_batch,
            ", activations computed twice" if limit.checkpointing else "",
        )
        if job.agreement.processes > 1:
            # The others wait for this one in the middle of a step.
            record_limit(job.results.memory_limit, job.attempt, limit)
            raise LessMemoryNeeded(error.reason, error.message, retryable=True) from None
    # The error is gone, and with it the last reference to the trainer that had no room.
    release_memory()
    record_limit(job.results.memory_limit, job.attempt, limit)
    return _train(job, publisher, switch, trackers, limit)


def _train(
    job: TrainingJob,
    publisher: StatusPublisher,
    switch: StopSwitch,
    trackers: Trackers,
    limit: MemoryLimit | None,
) -> TrainingSummary | None:
    agreement = job.agreement
    checkpoint = agreed_checkpoint(job.results.checkpoints, job.fingerprint, job.rank, agreement)
    begun_with = None
    if checkpoint is not None:
        logger.info("resuming from %s", checkpoint.name)
        begun_with = read_plan(checkpoint) or made_before(job.config.training)
    built = build_trainer(job, publisher, switch, begun_with, limit)
    trainer = built.trainer
    if job.rank is None or job.rank.first_on_node:
        tried = MemoryLimit(built.plan.micro_batch, built.plan.checkpointing)
        record_limit(job.results.tried, job.attempt, tried)
    switch.raise_if_terminated()
    trainer.add_callback(trackers)
    summary = None
    try:
        with switch.graceful(), memory_shortages(built, job.config.training):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if trainer.state.global_step >= trainer.state.max_steps:
            with out_of_memory_errors():
                summary = save_results(job, built)
    finally:
        # Also of a run that fails: the curve shows where it went wrong. A pod that terminates has
        # no time for a picture.
        if agreement.reporting:
            points = loss_history(trainer.state.log_history)
            title = f"{job.base_model} ({job.method})"
            save_loss(job.results, points, title, picture=not switch.terminated)
    if summary is None:
        del trainer, built
        release_memory()
    elif agreement.reporting:
        add_loss_to_adapter(job.results)
    return summary


def release_memory() -> None:
    """Give the memory of a trainer that is no longer referenced back to the machine.

    A stopped process lives on: if it ended, the kubelet would restart the training. The trainer,
    its model and its callbacks refer to each other, so only the collector frees them.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def last_evaluation(state: TrainerState) -> float | None:
    """The loss on the rows held back, if it was measured after the last step: eval_strategy."""
    for entry in reversed(state.log_history):
        if "eval_loss" in entry and entry["step"] == state.global_step:
            return float(entry["eval_loss"])
    return None


def evaluate(built: BuiltTrainer, agreement: Agreement) -> float | None:
    """The loss on the rows held back; None if there are none, or if the evaluation fails.

    Raises:
        RunError: TRAINING_FAILED, the loss is not finite.
    """
    if built.trainer.eval_dataset is None:
        return None
    try:
        # ProgressCallback checks that it is finite.
        eval_loss: float | None = built.trainer.evaluate().get("eval_loss")
    except EvaluationShortage as error:
        if agreement.reporting:
            shortage = evaluation_shortage(error, built)
            logger.warning("no loss on the rows held back: %s; the adapter is kept", shortage)
        return None
    except (MemoryError, RuntimeError) as error:
        if agreement.processes > 1:
            # The other processes wait for this one.
            raise
        logger.warning(
            "no loss on the rows held back: the evaluation failed (%s); the adapter is kept",
            quote(error),
            exc_info=error,
        )
        return None
    return eval_loss


def save_results(job: TrainingJob, built: BuiltTrainer) -> TrainingSummary:
    """Evaluate and save the adapter of a finished training, and summarize it."""
    trainer = built.trainer
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    last = losses[-AVERAGED_LOSSES:]
    eval_loss = last_evaluation(trainer.state)
    if eval_loss is None:
        eval_loss = evaluate(built, job.agreement)
    if job.agreement.reporting:
        start = job.results.adapter_start(job.fingerprint) if job.config.pissa else None
        model = trainer.accelerator.unwrap_model(trainer.model)
        save_adapter(model, job.results.adapter, job.base_model, start)
    finished = datetime.now(UTC)
    return TrainingSummary(
        fingerprint=job.fingerprint,
        base_model=job.base_model,
        method=job.method,
        steps=trainer.state.global_step,
        epochs=float(trainer.state.epoch or 0.0),
        loss=sum(last) / len(last) if last else None,
        eval_loss=eval_loss,
        tokens=int(trainer.state.num_input_tokens_seen),
        # It spans restarts, which no monotonic clock does. A clock that was set back shows 0.
        seconds=max(0.0, (finished - job.started_at).total_seconds()),
        finished_at=finished.isoformat(timespec="seconds"),
        dataset_digest=job.data.digest,
        dataset_rows=job.data.rows,
        dataset_files={file.name: file.sha256 for file in job.data.files},
        config_digest=job.config.digest,
        plan=built.plan.to_json(),
        versions={name: version(name) for name in RECORDED_VERSIONS},
    )
