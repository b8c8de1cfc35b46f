"""Builds the trainer: the model, the examples and the callbacks of one job."""

from typing import Any

import torch
from transformers.trainer_callback import PrinterCallback
from trl import SFTTrainer

from tuner.base_model.error_translation import setup_errors
from tuner.base_model.tokenizer import load_tokenizer, read_max_positions
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState
from tuner.stop_switch import StopSwitch
from tuner.training.checkpoint_callback import CheckpointCallback
from tuner.training.lora_config import build_lora_config
from tuner.training.loss_guard import LossGuard
from tuner.training.model import (
    check_model_directory,
    detect_device,
    load_model,
)
from tuner.training.packing import evaluation_sequences, train_sequences
from tuner.training.precision import choose_precision
from tuner.training.prepare_data import prepare_data
from tuner.training.progress_callback import ProgressCallback
from tuner.training.sft_config import build_sft_config
from tuner.training.training_job import TrainingJob
from tuner.training_defaults import max_length


def build_trainer(job: TrainingJob, publisher: StatusPublisher, switch: StopSwitch) -> SFTTrainer:
    """The trainer with the loaded model and the prepared data.

    Raises:
        RunError: MODEL_LOAD_FAILED, CONFIG_INVALID, DATA_EMPTY, DATA_ROWS_LOST, DATA_UNREADABLE,
            TRAINING_FAILED or OUT_OF_MEMORY.
    """
    config = job.config
    check_model_directory(job.model_path)
    device = detect_device(job.cpu_bfloat16)
    precision = choose_precision(config.model.torch_dtype, device)
    output = job.results.checkpoints
    # What only the libraries' own classes refuse is found before the weights are loaded.
    build_sft_config(config, device, precision, max_length(config.training, None), output)
    build_lora_config(config.lora, job.target_modules, "")
    publisher.publish(state=RunState.PREPARING)
    # Before the weights are loaded: if rows are lost, the run ends here.
    tokenizer = load_tokenizer(
        job.model_path, config.model, eos_token=config.training.get("eos_token")
    )
    max_positions = read_max_positions(job.model_path, config.model)
    limit = max_length(config.training, max_positions)
    prepared = prepare_data(job, publisher, tokenizer, limit, max_positions)
    model = load_model(job.model_path, config.model, config.quantization, device, precision)
    arguments = build_sft_config(config, device, precision, limit, output)
    lora = build_lora_config(config.lora, job.target_modules, model.config.model_type)
    with setup_errors():
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=train_sequences(prepared, arguments),
            eval_dataset=evaluation_sequences(prepared, arguments),
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
    return trainer


def _keep_adapter_in_float32(model: Any) -> None:
    """Gradient scaling cannot work on half-precision parameters."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32)
