"""Makes the plan of a training from the loaded model, the device and the data."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from kaito_process.free_memory import free_memory_bytes
from kaito_training.sections import TrainingConfig
from tuner.batching.execution_plan import (
    ExecutionPlan,
    Layout,
    PlanInputs,
    continue_plan,
    plan_execution,
)
from tuner.batching.global_batch import global_batch
from tuner.batching.less_memory import MemoryLimit, within
from tuner.batching.model_size import model_size
from tuner.batching.shares import spread
from tuner.training.agreement import Agreement
from tuner.training.boundary_probe import keeps_examples_apart

logger = logging.getLogger(__name__)


def make_plan(
    config: TrainingConfig,
    model: Any,
    lengths: Mapping[int, int],
    sequences: int,
    begun_with: Mapping[str, Any] | None,
    limit: MemoryLimit | None,
    agreement: Agreement,
    node_processes: int,
) -> tuple[ExecutionPlan, PlanInputs]:
    """The plan for `sequences` an epoch, logged, and what it was made from.

    Args:
        lengths: how many examples have as many tokens.
        begun_with: the plan of the checkpoint that the training continues from, if it does.
        limit: the most that fits, if more was tried.
        agreement: all processes of the training follow one plan, which the fullest of their
            devices decides about.
        node_processes: how many of them share the machine's memory.
    """
    options = config.training
    preferences = config.dataset.preferences
    batch = global_batch(options, sequences, preferences=preferences)
    text_config = model.config.get_text_config()
    free = _free_bytes(model) // (1 if model.device.type == "cuda" else node_processes)
    found = agreement.gather((free, keeps_examples_apart(model)))
    inputs = PlanInputs(
        gpu=model.device.type == "cuda",
        free_bytes=min(free for free, _ in found),
        attention=str(getattr(text_config, "_attn_implementation", None) or "eager"),
        separates=all(separates for _, separates in found),
        four_bit=config.quantization.load_in_4bit,
        size=model_size(text_config.to_dict(), _trained_parameters(model, config.lora)),
        sequences=sequences,
        longest=list(_longest(lengths, batch)),
        preferences=preferences,
    )
    plan = plan_execution(options, inputs)
    if begun_with is not None:
        plan = continue_plan(plan, begun_with)
    plan = spread(within(plan, limit), agreement.processes)
    logger.info(
        "%d sequences per update, %d at a time%s, %s, attention %s%s",
        plan.global_batch,
        plan.micro_batch,
        f" in each of {plan.processes} processes" if plan.processes > 1 else "",
        plan.layout,
        plan.attention,
        ", activations computed twice" if plan.checkpointing else "",
        extra={"plan": plan.to_json()},
    )
    if plan.global_batch < plan.processes:
        logger.warning(
            "%d of %d processes have nothing to compute: an update has %d sequences; if the data "
            "allows for larger updates, set TrainingArguments.per_device_train_batch_size in "
            "training_config.yaml to %d or more",
            plan.processes - plan.global_batch,
            plan.processes,
            plan.global_batch,
            plan.processes,
        )
    if plan.layout is Layout.PADDED and not inputs.separates and not preferences:
        logger.warning(
            "the model does not keep packed examples apart, so examples of similar length are "
            "batched instead"
        )
    return plan, inputs


def _longest(lengths: Mapping[int, int], count: int) -> Iterator[int]:
    """The lengths of the `count` longest examples, the longest first."""
    for length in sorted(lengths, reverse=True):
        same = min(lengths[length], count)
        yield from [length] * same
        count -= same


def _free_bytes(model: Any) -> int:
    """Of the host, or of the GPU that has the least."""
    devices = {each.device for each in model.parameters() if each.device.type == "cuda"}
    free = [int(torch.cuda.mem_get_info(device)[0]) for device in devices]
    return min(free) if free else free_memory_bytes()


def _trained_parameters(model: Any, lora: Mapping[str, Any]) -> int:
    """At most: LoRA on all linear layers."""
    sizes = (
        module.in_features + module.out_features
        for module in model.modules()
        if hasattr(module, "in_features") and hasattr(module, "out_features")
    )
    return int(int(lora.get("r", 8)) * sum(sizes))
