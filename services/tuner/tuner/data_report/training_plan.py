"""How many steps a training takes, as transformers' Trainer computes them. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.batching.global_batch import global_batch
from tuner.training_defaults import with_defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """`tokens` are those of all epochs, without padding. `packed` examples fill max_length.

    `steps` counts updates of the weights: `batch_size` x `accumulation` sequences each.
    """

    examples: int
    held_back: int
    batch_size: int
    accumulation: int
    epochs: float
    packed: bool
    steps: int
    tokens: int


def plan_training(
    options: Mapping[str, Any],
    *,
    examples: int,
    held_back: int,
    tokens: int,
    preferences: bool = False,
) -> TrainingPlan:
    """The plan for `examples` of `tokens` in all, with the user's TrainingArguments `options`.

    Several processes share the sequences of an update, so their number changes nothing here.
    """
    chosen = with_defaults(options)
    packed = bool(chosen["packing"]) and chosen["max_length"] is not None
    sequences = math.ceil(tokens / chosen["max_length"]) if packed else examples
    batch = global_batch(options, sequences, preferences=preferences)
    accumulation = chosen["gradient_accumulation_steps"]
    batch //= accumulation
    whole = sequences // batch if chosen["dataloader_drop_last"] else math.ceil(sequences / batch)
    per_epoch = max(math.ceil(whole / accumulation), 1) if examples else 0
    steps = math.ceil(chosen["num_train_epochs"] * per_epoch)
    epochs = float(chosen["num_train_epochs"])
    if chosen["max_steps"] > 0 and examples:
        steps = chosen["max_steps"]
        epochs = steps / per_epoch
    return TrainingPlan(
        examples=examples,
        held_back=held_back,
        batch_size=batch,
        accumulation=accumulation,
        epochs=epochs,
        packed=packed,
        steps=steps,
        tokens=round(tokens * epochs),
    )
