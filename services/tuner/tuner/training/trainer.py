"""Builds the trainer: the model, the examples and the callbacks of one job."""

from functools import partial
from typing import Any

import datasets
import torch
from transformers.trainer_callback import PrinterCallback
from trl import SFTTrainer

from tuner.data.dataset_schema import DatasetFormat
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState
from tuner.stop_switch import StopSwitch
from tuner.training.checkpoint_callback import CheckpointCallback
from tuner.training.error_translation import setup_errors
from tuner.training.examples import load_examples
from tuner.training.lora_config import build_lora_config
from tuner.training.loss_guard import LossGuard
from tuner.training.model import (
    check_model_directory,
    detect_device,
    load_model,
    load_tokenizer,
)
from tuner.training.precision import choose_precision
from tuner.training.progress_callback import ProgressCallback
from tuner.training.sft_config import build_sft_config
from tuner.training.training_job import TrainingJob
from tuner.training_defaults import completion_only_loss

# torch's cross-entropy skips tokens with this label.
IGNORED_LABEL = -100


def build_trainer(job: TrainingJob, publisher: StatusPublisher, switch: StopSwitch) -> SFTTrainer:
    """The trainer with the loaded model and the prepared data.

    Raises:
        RunError: MODEL_LOAD_FAILED, CONFIG_INVALID, DATA_EMPTY, DATA_UNREADABLE, TRAINING_FAILED
            or OUT_OF_MEMORY.
    """
    config = job.config
    check_model_directory(job.model_path)
    device = detect_device(job.cpu_bfloat16)
    precision = choose_precision(config.model.torch_dtype, device)
    output = job.results.checkpoints
    # What only the libraries' own classes refuse is found before the weights are loaded.
    build_sft_config(config, device, precision, None, output)
    build_lora_config(config.lora, job.target_modules, "")
    tokenizer = load_tokenizer(job.model_path, config.model)
    model = load_model(job.model_path, config.model, config.quantization, device, precision)
    max_positions = getattr(model.config, "max_position_embeddings", None)
    arguments = build_sft_config(config, device, precision, max_positions, output)
    lora = build_lora_config(config.lora, job.target_modules, model.config.model_type)
    publisher.publish(state=RunState.PREPARING)
    train_examples, eval_examples = _split_examples(job, tokenizer)
    with setup_errors():
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=train_examples,
            eval_dataset=eval_examples,
            processing_class=tokenizer,
            peft_config=lora,
            callbacks=[
                ProgressCallback(publisher, LossGuard(precision.fp16)),
                CheckpointCallback(publisher, switch, job.fingerprint, job.checkpoint_seconds),
            ],
        )
    # It prints dicts to stdout, between our JSON log lines.
    trainer.remove_callback(PrinterCallback)
    if precision.fp16:
        _keep_adapter_in_float32(trainer.model)
    if not _has_answers(trainer.train_dataset):
        raise RunError(
            Reason.DATA_EMPTY,
            f"every prompt alone fills the {arguments.max_length} tokens of an example; raise "
            "TrainingArguments.max_length in training_config.yaml, or shorten the prompts",
        )
    return trainer


def _split_examples(
    job: TrainingJob, tokenizer: Any
) -> tuple[datasets.Dataset, datasets.Dataset | None]:
    """The examples to train on, and those held back for evaluation, if any."""
    config = job.config.dataset
    chat = tokenizer.chat_template is not None
    if job.data.schema.format is DatasetFormat.CONVERSATIONAL and not chat:
        raise RunError(
            Reason.CONFIG_INVALID,
            "training_config.yaml: the data holds conversations, but the model has no chat "
            "template; set ModelConfig.chat_template, or use columns prompt and completion",
        )
    load = partial(
        load_examples,
        job.data,
        directory=job.data_dir,
        cache=job.results.cache,
        chat=chat,
        completion_only=completion_only_loss(job.config.training),
    )
    examples = load("train")
    if config.shuffle_dataset:
        examples = examples.shuffle(seed=config.shuffle_seed)
    if any(file.split == "validation" for file in job.data.files):
        return examples, load("validation")
    kept = max(1, round(len(examples) * config.train_test_split))
    if kept == len(examples):
        return examples, None
    return examples.select(range(kept)), examples.select(range(kept, len(examples)))


def _has_answers(examples: datasets.Dataset) -> bool:
    """Whether any token counts for the loss.

    TRL drops examples without an answer in reach, except where it packs them.
    """
    if "labels" not in examples.column_names:
        return len(examples) > 0
    labels = (row["labels"] for row in examples.select_columns("labels"))
    return any(label != IGNORED_LABEL for row in labels for label in row)


def _keep_adapter_in_float32(model: Any) -> None:
    """Gradient scaling cannot work on half-precision parameters."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
