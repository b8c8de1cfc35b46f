"""What applies where TrainingArguments says nothing. Needs neither TRL nor torch.

The tuner's own default is the learning rate; the others are those of SFTConfig and, but for
packing, of DPOConfig, and a test compares them.
"""

from collections.abc import Mapping
from typing import Any

# TRL's own defaults suit whole models; adapters need about ten times as much. DPO moves the weights
# far less than learning the answers does.
LEARNING_RATE, DPO_LEARNING_RATE = 2e-4, 1e-5

SFT_DEFAULTS: Mapping[str, Any] = {
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "num_train_epochs": 3.0,
    "max_steps": -1,
    "packing": False,
    "max_length": 1024,
    "dataloader_drop_last": False,
}


def with_defaults(options: Mapping[str, Any], *, preferences: bool = False) -> dict[str, Any]:
    """The user's TrainingArguments `options` with the defaults for what they leave out."""
    return {"learning_rate": learning_rate(preferences=preferences), **SFT_DEFAULTS, **options}


def learning_rate(*, preferences: bool) -> float:
    """The default for learning answers, or for learning which of two is preferred."""
    return DPO_LEARNING_RATE if preferences else LEARNING_RATE


def completion_only_loss(options: Mapping[str, Any]) -> bool:
    """True, the default, if only the answers count for the loss. Two of TRL's options say so."""
    answers_only = options.get("completion_only_loss") is not False
    return answers_only or bool(options.get("assistant_only_loss"))


def max_length(options: Mapping[str, Any], max_positions: int | None) -> int | None:
    """The most tokens of an example; None if the user sets no limit.

    `max_positions` is the model's context length in tokens, if known.
    """
    if "max_length" in options:
        limit: int | None = options["max_length"]
        return limit
    default: int = SFT_DEFAULTS["max_length"]
    return min(default, max_positions or default)
