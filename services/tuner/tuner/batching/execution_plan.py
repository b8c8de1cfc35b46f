"""How a training is computed on a device. Pure.

How much is computed at a time, and in which layout, does not change what is learned: an update
learns from the same examples, up to the rounding of sums. So a checkpoint may be continued on
another device (see `continue_plan`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from tuner.batching.global_batch import global_batch
from tuner.batching.model_size import TRAINED_PARAMETER_BYTES, ModelSize
from tuner.training_defaults import SFT_DEFAULTS

# Of the free memory, for activations. The rest is for the allocator and for what is not estimated.
MEMORY_SHARE = 0.7
# Enough for the matrix products of a batch to use a GPU well. Below, it is worth to compute
# activations twice if that makes the batch larger.
FILLING_TOKENS = 2048


class Layout(StrEnum):
    """How the examples of a batch lie in the tensors."""

    ROWS = "packed into rows"
    FLAT = "packed into one sequence"
    PADDED = "padded, one example a row"
    STATIC = "packed before the training"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInputs:
    """What the plan depends on besides the options.

    `longest` are the lengths of the longest examples in tokens, the longest first. `free_bytes` is
    the memory that is left once the model is loaded. `size` and `free_bytes` are None if unknown.
    `attention` is the implementation that the model was loaded with. `separates`: the model keeps
    packed examples apart. `preferences`: each sequence is a pair of answers.
    """

    gpu: bool
    free_bytes: int | None
    attention: str
    separates: bool
    four_bit: bool
    size: ModelSize | None
    sequences: int
    longest: Sequence[int]
    preferences: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPlan:
    """An update has `global_batch` sequences.

    Each of the `processes` computes `micro_batch` of them at a time, `accumulation` times.
    """

    layout: Layout
    global_batch: int
    micro_batch: int
    accumulation: int
    processes: int = 1
    checkpointing: bool
    optimizer: str
    sampling: str
    attention: str

    def to_json(self) -> dict[str, Any]:
        """The plan for logs, the summary and the markers of checkpoints."""
        return asdict(self)


def plan_execution(options: Mapping[str, Any], inputs: PlanInputs) -> ExecutionPlan:
    """The plan for the user's TrainingArguments `options`, which always apply."""
    micro, checkpointing = _split(options, inputs)
    batch = global_batch(options, inputs.sequences, preferences=inputs.preferences)
    layout = _layout(options, inputs)
    if options.get("activation_checkpointing") is not None:
        checkpointing = bool(options["activation_checkpointing"])
    return ExecutionPlan(
        layout=layout,
        global_batch=batch,
        micro_batch=micro,
        accumulation=batch // micro,
        checkpointing=bool(options.get("gradient_checkpointing", checkpointing)),
        # It moves its state to the host when a GPU's memory runs out; it computes what AdamW does.
        optimizer=options.get(
            "optim", "paged_adamw_32bit" if inputs.gpu and inputs.four_bit else "adamw_torch_fused"
        ),
        # Examples of similar length together need little padding.
        sampling=options.get(
            "train_sampling_strategy",
            "group_by_length" if layout is Layout.PADDED and not inputs.preferences else "random",
        ),
        attention=inputs.attention,
    )


def made_before(options: Mapping[str, Any]) -> dict[str, Any]:
    """What applied to a checkpoint that names no plan, because an earlier release made it."""
    names = ("per_device_train_batch_size", "gradient_accumulation_steps")
    return {
        "global_batch": math.prod(options.get(name, SFT_DEFAULTS[name]) for name in names),
        "optimizer": options.get("optim", "adamw_torch_fused"),
        "sampling": options.get("train_sampling_strategy", "random"),
    }


def continue_plan(plan: ExecutionPlan, checkpoint: Mapping[str, Any]) -> ExecutionPlan:
    """`plan` for a training that another plan began, as the marker of its checkpoint has it.

    The order of the examples, their number in an update and the optimizer's state stay what they
    were; how much is computed at a time is this device's.
    """
    batch = int(checkpoint["global_batch"])
    micro = math.gcd(plan.micro_batch, batch)
    return replace(
        plan,
        global_batch=batch,
        micro_batch=micro,
        accumulation=batch // micro,
        optimizer=str(checkpoint["optimizer"]),
        sampling=str(checkpoint["sampling"]),
    )


def _layout(options: Mapping[str, Any], inputs: PlanInputs) -> Layout:
    if inputs.preferences:
        # TRL's losses compare the rows of a batch.
        return Layout.PADDED
    if options.get("packing"):
        return Layout.STATIC
    if options.get("padding_free"):
        return Layout.FLAT
    if "packing" in options or "padding_free" in options or not inputs.separates:
        return Layout.PADDED
    return Layout.FLAT if inputs.attention.startswith("flash") else Layout.ROWS


def _split(options: Mapping[str, Any], inputs: PlanInputs) -> tuple[int, bool]:
    """Sequences at a time, and whether activations are computed twice."""
    batch = global_batch(options, inputs.sequences, preferences=inputs.preferences)
    user_splits = [
        name in options for name in ("per_device_train_batch_size", "gradient_accumulation_steps")
    ]
    if any(user_splits):
        micro = int(
            options.get("per_device_train_batch_size", SFT_DEFAULTS["per_device_train_batch_size"])
        )
        return micro, not _fits(micro, inputs, checkpointing=False)
    plain = _largest(batch, inputs, checkpointing=False)
    if plain == batch or sum(inputs.longest[:plain]) >= FILLING_TOKENS:
        return plain, False
    saving = _largest(batch, inputs, checkpointing=True)
    if plain and saving == plain:
        return plain, False
    return max(saving, 1), True


def _largest(batch: int, inputs: PlanInputs, *, checkpointing: bool) -> int:
    """The largest part of `batch` that fits: a half, a quarter and so on; 0 if none does."""
    micro = batch
    while not _fits(micro, inputs, checkpointing=checkpointing):
        if micro % 2:
            return 0
        micro //= 2
    return micro


def _fits(sequences: int, inputs: PlanInputs, *, checkpointing: bool) -> bool:
    if inputs.free_bytes is None or inputs.size is None:
        # Unknown: as before there was a plan, GPUs compute activations twice.
        return checkpointing or not inputs.gpu
    free = inputs.free_bytes - inputs.size.trained * TRAINED_PARAMETER_BYTES
    # Padded to the longest example: no layout takes more.
    tokens = sequences * max(inputs.longest, default=0)
    needed = tokens * inputs.size.bytes_per_token(checkpointing=checkpointing)
    return needed <= free * MEMORY_SHARE
