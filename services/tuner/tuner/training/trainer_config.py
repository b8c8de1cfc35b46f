"""Builds TRL's SFTConfig or DPOConfig from the user's TrainingArguments and the platform's."""

import sys
from pathlib import Path
from typing import Any

from trl import DPOConfig, SFTConfig

from kaito_training.sections import TrainingConfig
from tuner.batching.execution_plan import ExecutionPlan, Layout
from tuner.training.options import construct
from tuner.training.precision import Device, Precision
from tuner.training_defaults import learning_rate


def build_trainer_config(
    config: TrainingConfig,
    device: Device,
    precision: Precision,
    limit: int | None,
    output: Path,
    plan: ExecutionPlan | None = None,
) -> SFTConfig | DPOConfig:
    """The trainer's arguments, with `limit` tokens in an example at most.

    Without a `plan`, they are good for finding out what TRL refuses, and for packing.

    Raises:
        RunError: CONFIG_INVALID.
    """
    options = {
        **_defaults(config, precision),
        **config.training,
        **(_planned(plan) if plan else {}),
        **imposed_options(device, output),
    }
    if config.dataset.preferences:
        # An option of the other one.
        del options["dataset_kwargs"]
        return construct("TrainingArguments", DPOConfig, {**options, "max_length": limit})
    return construct(
        "TrainingArguments",
        SFTConfig,
        {
            **options,
            **({"padding_free": plan.layout is Layout.FLAT} if plan else {}),
            # Padding-free batches are not cut, and TRL asks for no limit then.
            "max_length": None if _is_padding_free(config, plan) else limit,
            # The labels are made already from `completion_only_loss`.
            "assistant_only_loss": False,
        },
    )


def imposed_options(device: Device, output: Path) -> dict[str, Any]:
    """What the platform sets, whatever the user requests (see kaito_training.no_effect)."""
    return {
        "output_dir": str(output),
        "use_cpu": not device.gpu,
        "push_to_hub": False,
        "report_to": [],
        "resume_from_checkpoint": None,
        # Each node keeps a copy, on a disk of its own: one that is left is enough to go on.
        "save_on_each_node": True,
        # Training cannot resume from a checkpoint without the optimizer's state.
        "save_only_model": False,
        # It would log the mean of the earlier losses in place of one that is not a number.
        "logging_nan_inf_filter": False,
        # Padding is no training, and would inflate the tokens per second.
        "include_num_input_tokens_seen": "non_padding",
        # Examples come as tokens and labels, cut and packed.
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "disable_tqdm": not sys.stdout.isatty(),
    }


def _planned(plan: ExecutionPlan) -> dict[str, Any]:
    return {
        "per_device_train_batch_size": plan.micro_batch,
        "gradient_accumulation_steps": plan.accumulation,
        "gradient_checkpointing": plan.checkpointing,
        "optim": plan.optimizer,
        "train_sampling_strategy": plan.sampling,
    }


def _defaults(config: TrainingConfig, precision: Precision) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "learning_rate": learning_rate(preferences=config.dataset.preferences),
        # Checkpoints follow the clock, not steps or epochs (CheckpointCallback).
        "save_strategy": "no",
        # A killed process may leave the newest one incomplete; the one before it is still there.
        "save_total_limit": 2,
        "logging_steps": 1,
        "bf16": precision.bf16,
        "fp16": precision.fp16,
    }
    if config.collator.pad_to_multiple_of is not None:
        defaults["pad_to_multiple_of"] = config.collator.pad_to_multiple_of
    return defaults


def _is_padding_free(config: TrainingConfig, plan: ExecutionPlan | None) -> bool:
    if plan is not None:
        return plan.layout is Layout.FLAT
    return bool(config.training.get("padding_free") and not config.training.get("packing"))
