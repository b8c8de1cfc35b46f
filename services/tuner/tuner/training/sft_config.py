"""TrainingArguments of the user + what the platform decides → TRL's SFTConfig."""

import logging
import sys
from pathlib import Path
from typing import Any

from trl import SFTConfig

from tuner.config.sections import TrainingConfig
from tuner.training.options import build, check_options
from tuner.training.precision import Device, Precision

logger = logging.getLogger(__name__)


def whole_loss(config: TrainingConfig) -> bool:
    """True when the user wants the loss elsewhere than on the answers alone."""
    options = config.training
    return options.get("completion_only_loss") is False or bool(options.get("assistant_only_loss"))


def sft_config(
    config: TrainingConfig, device: Device, how: Precision, longest: int | None, output: Path
) -> SFTConfig:
    """The trainer's arguments. `longest`: tokens that the model takes at most.

    Errors: RunError(CONFIG_INVALID).
    """
    given = check_options("TrainingArguments", config.training, SFTConfig)
    decided = _decided(device, output)
    for key in sorted(given.keys() & decided.keys() - {"output_dir"}):
        logger.warning("TrainingArguments.%s is decided by the platform; ignored", key)
    return build(
        "TrainingArguments",
        SFTConfig,
        {**_defaults(config, device, how, longest), **given, **decided},
    )


def _decided(device: Device, output: Path) -> dict[str, Any]:
    return {
        "output_dir": str(output),
        "use_cpu": not device.gpu,
        "push_to_hub": False,
        "report_to": [],
        "resume_from_checkpoint": None,
        # A checkpoint without the optimizer is none to go on from.
        "save_only_model": False,
        "include_num_input_tokens_seen": "non_padding",
        "disable_tqdm": not sys.stdout.isatty(),
    }


def _defaults(
    config: TrainingConfig, device: Device, how: Precision, longest: int | None
) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        # TRL's own default suits whole models; adapters want about ten times as much.
        "learning_rate": 2e-4,
        "save_strategy": "no",
        "save_total_limit": 2,
        "logging_steps": 1,
        "gradient_checkpointing": device.gpu,
        "bf16": how.bf16,
        "fp16": how.fp16,
    }
    if config.collator.pad_to_multiple_of is not None:
        defaults["pad_to_multiple_of"] = config.collator.pad_to_multiple_of
    if longest is not None:
        defaults["max_length"] = min(SFTConfig.max_length, longest)
    return defaults
