"""The training phase, read from top to bottom: load, prepare, train, keep."""

import logging
import sys
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from transformers.trainer_callback import PrinterCallback
from trl import SFTTrainer

from tuner.config.sections import TrainingConfig
from tuner.data.dataset import DataSet
from tuner.data.shape import Kind
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.reporting.board import Board
from tuner.reporting.run import State
from tuner.results import Results, Summary
from tuner.stop import StopSwitch
from tuner.training.adapter import lora_config, save_adapter
from tuner.training.arguments import sft_config, whole_loss
from tuner.training.callbacks import Reporter, Saver
from tuner.training.checkpoints import newest_complete
from tuner.training.examples import load_examples
from tuner.training.failures import out_of_memory, setting_up
from tuner.training.model import (
    check_model_directory,
    find_device,
    load_model,
    load_tokenizer,
)
from tuner.training.precision import choose_precision

logger = logging.getLogger(__name__)

VERSIONS = ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets")
LAST_LOSSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that one training depends on."""

    base_model: str
    method: str
    model_path: Path
    config: TrainingConfig
    data: DataSet
    data_dir: Path
    results: Results
    fingerprint: str
    target_modules: tuple[str, ...]
    checkpoint_seconds: float
    cpu_bfloat16: bool
    started_at: datetime


def train(job: Job, board: Board, switch: StopSwitch) -> Summary | None:
    """Trains, and leaves the adapter in the results. None when a stop was wanted before the
    last step; a checkpoint is left then.

    Errors: RunError.
    """
    set_up_libraries()
    trainer = build_trainer(job, board, switch)
    switch.raise_if_terminated()
    checkpoint = newest_complete(job.results.checkpoints, job.fingerprint)
    if checkpoint is not None:
        logger.info("going on from %s", checkpoint.name)
    with switch.graceful(), out_of_memory():
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if trainer.state.global_step < trainer.state.max_steps:
        return None
    with out_of_memory():
        return keep(job, trainer)


def build_trainer(job: Job, board: Board, switch: StopSwitch) -> SFTTrainer:
    """The trainer over the loaded model and the prepared data."""
    config = job.config
    check_model_directory(job.model_path)
    device = find_device(job.cpu_bfloat16)
    how = choose_precision(config.model.torch_dtype, device)
    tokenizer = load_tokenizer(job.model_path, config.model)
    model = load_model(job.model_path, config.model, config.quantization, device, how)
    longest = getattr(model.config, "max_position_embeddings", None)
    arguments = sft_config(config, device, how, longest, job.results.checkpoints)
    lora = lora_config(config.lora, job.target_modules, model.config.model_type)
    board.post(state=State.PREPARING)
    training, held_back = _examples(job, tokenizer)
    with setting_up():
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=training,
            eval_dataset=held_back,
            processing_class=tokenizer,
            peft_config=lora,
            callbacks=[
                Reporter(board),
                Saver(board, switch, job.fingerprint, job.checkpoint_seconds),
            ],
        )
    trainer.remove_callback(PrinterCallback)
    if how.fp16:
        _hold_adapter_in_float32(trainer.model)
    if len(trainer.train_dataset) == 0:
        raise RunError(
            Reason.DATA_EMPTY,
            f"every prompt fills the {arguments.max_length} tokens of an example by itself; raise "
            "TrainingArguments.max_length in training_config.yaml, or shorten the prompts",
        )
    return trainer


def keep(job: Job, trainer: SFTTrainer) -> Summary:
    """Writes the adapter of a finished `trainer`; what it was."""
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    last = losses[-LAST_LOSSES:]
    eval_loss = trainer.evaluate()["eval_loss"] if trainer.eval_dataset is not None else None
    save_adapter(trainer.model, job.results.adapter, job.base_model)
    finished = datetime.now(UTC)
    return Summary(
        fingerprint=job.fingerprint,
        base_model=job.base_model,
        method=job.method,
        steps=trainer.state.global_step,
        epochs=float(trainer.state.epoch or 0.0),
        loss=sum(last) / len(last) if last else None,
        eval_loss=eval_loss,
        tokens=int(trainer.state.num_input_tokens_seen),
        seconds=(finished - job.started_at).total_seconds(),
        finished_at=finished.isoformat(timespec="seconds"),
        dataset_digest=job.data.digest,
        dataset_rows=job.data.rows,
        config_digest=job.config.digest,
        versions={name: version(name) for name in VERSIONS},
    )


def set_up_libraries() -> None:
    """Their logs go where ours go, and bars only to a terminal."""
    # They announce renamed options to whoever writes code against them: that is not the user.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers|trl|peft")
    transformers.utils.logging.disable_default_handler()
    for logs in (transformers.utils.logging, datasets.utils.logging):
        logs.enable_propagation()
        logs.set_verbosity_warning()
    if not sys.stdout.isatty():
        datasets.disable_progress_bars()
        transformers.utils.logging.disable_progress_bar()


def _examples(job: Job, tokenizer: Any) -> tuple[datasets.Dataset, datasets.Dataset | None]:
    """The examples to train on, and those held back, if any."""
    config = job.config.dataset
    chat = tokenizer.chat_template is not None
    if job.data.shape.kind is Kind.MESSAGES and not chat:
        raise RunError(
            Reason.CONFIG_INVALID,
            "training_config.yaml: the data holds conversations, but the model has no chat "
            "template; set ModelConfig.chat_template, or use columns prompt and completion",
        )
    examples = load_examples(
        job.data, job.data_dir, job.results.cache, chat=chat, whole=whole_loss(job.config)
    )
    if config.shuffle_dataset:
        examples = examples.shuffle(seed=config.shuffle_seed)
    kept = max(1, round(len(examples) * config.train_test_split))
    if kept == len(examples):
        return examples, None
    return examples.select(range(kept)), examples.select(range(kept, len(examples)))


def _hold_adapter_in_float32(model: Any) -> None:
    """Gradient scaling cannot work on half precision parameters."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
