"""Builds the trainer: the model, the plan, the examples and the callbacks of one job."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers.trainer_callback import PrinterCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from tuner.base_model.error_translation import setup_errors
from tuner.base_model.tokenizer import load_tokenizer, read_max_positions
from tuner.batching.evaluation_room import EvaluationRoom
from tuner.batching.execution_plan import ExecutionPlan, Layout, PlanInputs
from tuner.batching.less_memory import MemoryLimit
from tuner.batching.model_size import model_size
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState
from tuner.stop_switch import StopSwitch
from tuner.training.checkpoint_callback import CheckpointCallback
from tuner.training.counting_trainer import CountingTrainer
from tuner.training.lora_config import build_lora_config
from tuner.training.loss_guard import LossGuard
from tuner.training.model import (
    check_model_directory,
    detect_device,
    load_model,
)
from tuner.training.packed_rows import PackedRows
from tuner.training.packing import evaluation_sequences, train_sequences
from tuner.training.pissa import initial_options, keep_start
from tuner.training.plan import make_plan
from tuner.training.precision import choose_precision
from tuner.training.preference_batch import PreferenceBatch
from tuner.training.preference_trainer import PreferenceTrainer
from tuner.training.prepare_data import prepare_data
from tuner.training.progress_callback import ProgressCallback
from tuner.training.trainer_config import build_trainer_config
from tuner.training.training_job import TrainingJob
from tuner.training_defaults import max_length


@dataclass(frozen=True, slots=True)
class BuiltTrainer:
    """A trainer, the plan that it follows, and what the plan was made from."""

    trainer: SFTTrainer | DPOTrainer
    plan: ExecutionPlan
    inputs: PlanInputs


def build_trainer(
    job: TrainingJob,
    publisher: StatusPublisher,
    switch: StopSwitch,
    begun_with: Mapping[str, Any] | None,
    memory_limit: MemoryLimit | None,
) -> BuiltTrainer:
    """The trainer with the loaded model and the prepared data, and the plan of its training.

    `begun_with` is the plan of the checkpoint that the training continues from, if it does, and
    `memory_limit` the most that fits, if more was tried.

    Raises:
        RunError: MODEL_LOAD_FAILED, CONFIG_INVALID, DATA_EMPTY, DATA_ROWS_LOST, DATA_UNREADABLE,
            TRAINING_FAILED or OUT_OF_MEMORY.
    """
    config, rank = job.config, job.rank
    preferences = config.dataset.preferences
    check_model_directory(job.model_path)
    device = detect_device(job.cpu_bfloat16)
    precision = choose_precision(config.model.torch_dtype, device)
    output = job.results.checkpoints
    # What only the libraries' own classes refuse is found before the weights are loaded.
    early = build_trainer_config(
        config, device, precision, max_length(config.training, None), output
    )
    build_lora_config(config.lora, job.target_modules, "")
    publisher.publish(state=RunState.PREPARING)
    # Before the weights are loaded: if rows are lost, the run ends here.
    tokenizer = load_tokenizer(
        job.model_path, config.model, eos_token=config.training.get("eos_token")
    )
    max_positions = read_max_positions(job.model_path, config.model)
    limit = max_length(config.training, max_positions)
    prepared = job.agreement.one_by_one(
        lambda: prepare_data(job, publisher, tokenizer, limit, max_positions)
    )
    model = load_model(
        job.model_path,
        config.model,
        config.quantization,
        device,
        precision,
        None if rank is None else rank.local,
    )
    sequences = train_sequences(prepared, early, limit)
    lengths = prepared.computed_tokens()
    if not preferences and early.packing and limit is not None:
        lengths = Counter({limit: len(sequences)})
    plan, inputs = make_plan(
        config,
        model,
        lengths,
        len(sequences),
        begun_with,
        memory_limit,
        job.agreement,
        1 if rank is None else rank.local_size,
    )
    arguments = build_trainer_config(config, device, precision, limit, output, plan)
    start = job.results.adapter_start(job.fingerprint)
    options = initial_options(config.lora, start) if config.pissa else config.lora
    lora = build_lora_config(options, job.target_modules, model.config.model_type)
    with setup_errors():
        trainer = (PreferenceTrainer if preferences else CountingTrainer)(
            plan=plan,
            agreement=job.agreement,
            room=EvaluationRoom.after_deaths(
                job.deaths, arguments.per_device_eval_batch_size, max(lengths, default=0)
            ),
            model=model,
            args=arguments,
            data_collator=_collator(plan, model, tokenizer, arguments),
            train_dataset=sequences,
            eval_dataset=evaluation_sequences(prepared, arguments),
            processing_class=tokenizer,
            peft_config=lora,
            callbacks=[
                ProgressCallback(publisher, LossGuard(precision.fp16)),
                CheckpointCallback(
                    publisher,
                    switch,
                    job.agreement,
                    rank,
                    job.fingerprint,
                    plan.to_json(),
                    job.checkpoint_seconds,
                ),
            ],
        )
    if config.pissa:
        keep_start(trainer.model, start)
    # It prints dicts to stdout, between our JSON log lines.
    trainer.remove_callback(PrinterCallback)
    if precision.fp16:
        _keep_adapter_in_float32(trainer.model)
    return BuiltTrainer(trainer, plan, inputs)


def _collator(
    plan: ExecutionPlan, model: Any, tokenizer: Any, arguments: SFTConfig | DPOConfig
) -> PackedRows | PreferenceBatch | None:
    """None: TRL's own, for the layouts that it knows."""
    multiple = arguments.pad_to_multiple_of if isinstance(arguments.pad_to_multiple_of, int) else 1
    pad_token = tokenizer.pad_token_id
    if pad_token is None:
        pad_token = tokenizer.eos_token_id or 0
    if isinstance(arguments, DPOConfig):
        return PreferenceBatch(pad_token, multiple)
    if plan.layout is not Layout.ROWS:
        return None
    size = model_size(model.config.get_text_config().to_dict(), 0)
    return PackedRows(
        pad_token=pad_token,
        attention_weight=size.attention_weight if size is not None else 0.0,
        multiple_of=multiple,
    )


def _keep_adapter_in_float32(model: Any) -> None:
    """Gradient scaling cannot work on half-precision parameters."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
