"""A plan for the same updates that needs less memory, and what would fit where none does. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tuner.batching.execution_plan import MEMORY_SHARE, ExecutionPlan, PlanInputs
from tuner.batching.model_size import TRAINED_PARAMETER_BYTES

GIB = 2**30
# Suggested lengths are multiples of this; a shorter limit leaves nothing of most answers.
LENGTH_STEP = 64


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """The most that is computed at a time, because more did not fit."""

    micro_batch: int
    checkpointing: bool


def limit_below(
    plan: ExecutionPlan | MemoryLimit, options: Mapping[str, Any]
) -> MemoryLimit | None:
    """Half of what `plan` computes at a time, or activations that are computed twice.

    None if it computes one sequence at a time already, and the user's TrainingArguments `options`
    or the plan itself leave nothing to save.
    """
    if plan.micro_batch > 1:
        return MemoryLimit(plan.micro_batch // 2, plan.checkpointing)
    names = ("gradient_checkpointing", "activation_checkpointing")
    if plan.checkpointing or any(options.get(name) is False for name in names):
        return None
    return MemoryLimit(1, checkpointing=True)


def within(plan: ExecutionPlan, limit: MemoryLimit | None) -> ExecutionPlan:
    """`plan`, with updates of as many sequences, but no more at a time than `limit` allows."""
    if limit is None:
        return plan
    most = min(plan.micro_batch, limit.micro_batch)
    micro = max(each for each in range(1, most + 1) if plan.global_batch % each == 0)
    return replace(
        plan,
        micro_batch=micro,
        accumulation=plan.global_batch // micro,
        checkpointing=plan.checkpointing or limit.checkpointing,
    )


def describe_shortage(failed: ExecutionPlan, inputs: PlanInputs) -> str:
    """What `failed` needs, what there is, and what would fit, as a part of a sentence."""
    tokens = max(inputs.longest, default=0)
    tried = f"{_sequences(failed.micro_batch)} of up to {tokens:,} tokens at a time"
    if inputs.free_bytes is None or inputs.size is None:
        return f"{tried} do not fit; {_settings(1, failed)} is the least that can be tried"
    free = inputs.free_bytes - inputs.size.trained * TRAINED_PARAMETER_BYTES
    per_failed = inputs.size.bytes_per_token(checkpointing=failed.checkpointing)
    needed = failed.micro_batch * tokens * per_failed
    had = (
        f"{tried} need more than the {inputs.free_bytes / GIB:.1f} GiB that were free once the "
        "model was loaded"
    )
    # What failed takes more than there is, whatever was estimated.
    correction = max(1.0, free / needed) if needed else 1.0
    per_token = inputs.size.bytes_per_token(checkpointing=True) * correction
    room = int(free * MEMORY_SHARE / per_token)
    if (fitting := _fitting(room // tokens if tokens else 0, failed)) is not None:
        return f"{had}; about {_settings(fitting, failed)} would fit"
    length = room // LENGTH_STEP * LENGTH_STEP
    if length < LENGTH_STEP:
        return f"{had}; no batch of this model would fit"
    return f"{had}; about {_settings(1, failed)} and max_length {length} would fit"


def describe_evaluation_shortage(tokens: int, inputs: PlanInputs) -> str:
    """What one example of `tokens` tokens needs, and what would fit, as a part of a sentence."""
    size, room = inputs.size, tokens // 2
    had = ""
    if inputs.free_bytes is not None and size is not None:
        free = inputs.free_bytes - size.trained * TRAINED_PARAMETER_BYTES
        had = f" in the {inputs.free_bytes / GIB:.1f} GiB that were free once the model was loaded"
        # What failed takes more than there is, whatever was estimated.
        per_token = max(size.evaluated_bytes_per_token, free / tokens)
        room = int(max(0, free) * MEMORY_SHARE / per_token)
    length = room // LENGTH_STEP * LENGTH_STEP
    fits = (
        f"about TrainingArguments.max_length {length} would fit"
        if length
        else "no example of this model would fit"
    )
    return f"one example of {tokens:,} tokens does not fit beside the training{had}; {fits}"


def _fitting(most: int, failed: ExecutionPlan) -> int | None:
    fits = [
        each
        for each in range(1, min(most, failed.micro_batch) + 1)
        # As large as the one that failed, it must differ from it: by its activations.
        if failed.global_batch % each == 0
        and (each < failed.micro_batch or not failed.checkpointing)
    ]
    return max(fits, default=None)


def _settings(micro: int, failed: ExecutionPlan) -> str:
    return (
        f"per_device_train_batch_size {micro} with gradient_accumulation_steps "
        f"{failed.global_batch // micro} and gradient_checkpointing true"
    )


def _sequences(count: int) -> str:
    return f"{count} sequence{'' if count == 1 else 's'}"
