"""The hyperparameters that a card lists: those that decide what is learned."""

from collections.abc import Iterator, Mapping
from typing import Any

from kaito_training.sections import TrainingConfig
from tuner.training_defaults import with_defaults

# An allow-list: other options may hold paths, or tokens of hubs.
_ARGUMENTS = (
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "warmup_ratio",
    "optim",
    "weight_decay",
    "max_grad_norm",
    "num_train_epochs",
    "max_steps",
    "max_length",
    "packing",
    "completion_only_loss",
    "assistant_only_loss",
    "neftune_noise_alpha",
    "beta",
    "loss_type",
    "loss_weights",
    "f_divergence_type",
    "label_smoothing",
    "ld_alpha",
    "use_weighting",
    "seed",
)
# TRL's.
_PREFERENCE_DEFAULTS = {"beta": 0.1, "loss_type": ["sigmoid"]}
_LORA = ("r", "lora_alpha", "lora_dropout", "use_rslora", "target_modules")


def hyperparameters(
    config: TrainingConfig,
    adapter_config: Mapping[str, Any],
    max_length: int | None,
    plan: Mapping[str, Any],
) -> Iterator[tuple[str, str]]:
    """Name and value of each.

    `adapter_config` is PEFT's, as saved with the adapter; `max_length` is the one in effect, which
    depends on the model. `plan` is the one that the training followed, empty if unknown.
    """
    for key in _LORA:
        value = adapter_config.get(key)
        if value not in (None, False):
            yield key, _text(value)
    chosen = with_defaults(config.training, preferences=config.dataset.preferences)
    if config.dataset.preferences:
        chosen = {**_PREFERENCE_DEFAULTS, **chosen}
        del chosen["packing"]
    chosen["max_length"] = max_length
    # One decides how long the training is, and the other has no effect.
    del chosen["max_steps" if chosen["max_steps"] <= 0 else "num_train_epochs"]
    for key in _ARGUMENTS:
        if chosen.get(key) is not None:
            yield key, _text(chosen[key])
    if "global_batch" in plan:
        yield "sequences per update", _text(plan["global_batch"])
    if config.quantization.load_in_4bit:
        yield "base model", f"4 bits, {config.quantization.bnb_4bit_quant_type}"
    elif config.quantization.load_in_8bit:
        yield "base model", "8 bits"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple | set):
        return ", ".join(sorted(map(str, value)))
    return f"{value:g}" if isinstance(value, float) else str(value)
