"""What contradicts learning from preferences (tuning.method dpo). Pure."""

import sys
from collections.abc import Iterator

from kaito_training.sections import DatasetConfig, TrainingConfig

# Each is a mean over pairs, so it does not matter how many of them are computed at a time.
LOSSES = (
    "sigmoid",
    "hinge",
    "ipo",
    "exo_pair",
    "nca_pair",
    "robust",
    "bco_pair",
    "sppo_hard",
    "apo_zero",
    "apo_down",
    "discopop",
    "sigmoid_norm",
)
# The losses with a generalization to other divergences than the reverse KL.
_DIVERGENT = ("sigmoid", "sigmoid_norm", "hinge", "ipo", "exo_pair", "robust", "discopop")
# They name what is learned, and a row of preferences says that itself.
_COLUMNS = (
    "messages_column",
    "context_column",
    "response_column",
    "prompt_template",
    "response_template",
)


def find_contradictions(config: TrainingConfig) -> Iterator[str]:
    """One sentence for each; none for another method."""
    if not config.dataset.preferences:
        return
    yield from _columns(config.dataset)
    yield from _loss(config)
    yield from _reference(config)


def _columns(dataset: DatasetConfig) -> Iterator[str]:
    default = DatasetConfig()
    for key in _COLUMNS:
        value = getattr(dataset, key)
        if value != getattr(default, key):
            yield (
                f"DatasetConfig.{key} is {value!r}, but tuning.method dpo reads the columns "
                "prompt, chosen and rejected; remove it, and rename the columns of the data"
            )


def _loss(config: TrainingConfig) -> Iterator[str]:
    options = config.training
    chosen = options.get("loss_type", "sigmoid")
    losses = [chosen] if isinstance(chosen, str) else chosen or []
    if not losses:
        yield f"TrainingArguments.loss_type is {chosen!r}; use one of: {', '.join(LOSSES)}"
    for loss in losses:
        if loss not in LOSSES:
            yield f"TrainingArguments.loss_type has {loss!r}; use one of: {', '.join(LOSSES)}"
    weights = options.get("loss_weights")
    if weights and not all(_is_number(each) for each in weights):
        yield f"TrainingArguments.loss_weights is {weights!r}; use a list of numbers"
    if weights is not None and len(weights) != len(losses):
        yield (
            f"TrainingArguments.loss_weights has {len(weights)} numbers, and loss_type has "
            f"{len(losses)} losses; give each loss one weight"
        )
    if "exo_pair" in losses and not options.get("label_smoothing"):
        yield (
            "TrainingArguments.loss_type has 'exo_pair', which needs label_smoothing above 0; set "
            "it, for example to 1e-3"
        )
    divergence = options.get("f_divergence_type", "reverse_kl")
    others = [loss for loss in losses if loss not in _DIVERGENT]
    if divergence != "reverse_kl" and others:
        yield (
            f"TrainingArguments.f_divergence_type is {divergence!r}, which loss_type {others[0]!r} "
            "does not have; use reverse_kl"
        )


def _is_number(value: object) -> bool:
    """Neither infinity nor NaN, which no loss survives."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _reference(config: TrainingConfig) -> Iterator[str]:
    """The base model without the adapter must be the model that the training began with."""
    lora = config.lora
    if config.pissa:
        yield (
            f"LoraConfig.init_lora_weights is {lora['init_lora_weights']!r}, which changes the "
            "base model, and tuning.method dpo compares with it; use true"
        )
    if lora.get("bias", "none") != "none":
        yield (
            f"LoraConfig.bias is {lora['bias']!r}, which changes the base model, and tuning.method "
            "dpo compares with it; use none"
        )
    targets = lora.get("target_modules") or []
    if "lm_head" in ([targets] if isinstance(targets, str) else targets):
        yield (
            "LoraConfig.target_modules names 'lm_head', which tuning.method dpo computes without "
            "an adapter; remove it"
        )
    if config.training.get("padding_free"):
        yield "TrainingArguments.padding_free is true; tuning.method dpo pads: remove it"
