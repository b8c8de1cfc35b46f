"""How a training is computed, by what the device, the model and the data are."""

from dataclasses import replace
from typing import Any

import pytest

from tuner.batching.execution_plan import (
    ExecutionPlan,
    Layout,
    PlanInputs,
    continue_plan,
    made_before,
    plan_execution,
)
from tuner.batching.model_size import ModelSize, model_size

GIB = 2**30
# Llama 3 8B with an adapter of rank 8 on all linear layers.
LLAMA_8B = ModelSize(hidden=4096, intermediate=14336, layers=32, trained=21_000_000)
# An A100 that holds it in bfloat16, and examples of 1,024 tokens.
A100 = PlanInputs(
    gpu=True,
    free_bytes=62 * GIB,
    attention="sdpa",
    separates=True,
    four_bit=False,
    size=LLAMA_8B,
    sequences=100_000,
    longest=[1024] * 8,
)
CPU = replace(A100, gpu=False, size=ModelSize(hidden=192, intermediate=512, layers=4))


def plan(inputs: PlanInputs = A100, **options: Any) -> ExecutionPlan:
    return plan_execution(options, inputs)


@pytest.mark.parametrize(
    ("free_gib", "longest", "expected"),
    [
        # Sequences at a time, how often, and whether activations are computed twice.
        (200, 1024, (8, 1, False)),
        (62, 1024, (2, 4, False)),
        (62, 200, (8, 1, False)),
        (62, 16384, (4, 2, True)),
        (20, 1024, (8, 1, True)),
        (3, 1024, (2, 4, True)),
        # Nothing fits: the smallest is tried.
        (0, 1024, (1, 8, True)),
    ],
)
def test_memory_decides_how_much_is_computed_at_a_time(
    free_gib: int, longest: int, expected: tuple[int, int, bool]
) -> None:
    found = plan(replace(A100, free_bytes=free_gib * GIB, longest=[longest] * 8))
    assert (found.micro_batch, found.accumulation, found.checkpointing) == expected
    assert found.global_batch == 8


def test_a_gpu_of_unknown_memory_computes_activations_twice() -> None:
    assert plan(replace(A100, free_bytes=None)).checkpointing
    assert plan(replace(A100, size=None)).checkpointing
    assert not plan(replace(CPU, size=None)).checkpointing


@pytest.mark.parametrize(
    ("inputs", "options", "expected"),
    [
        (A100, {}, Layout.ROWS),
        (CPU, {}, Layout.ROWS),
        (replace(A100, attention="flash_attention_2"), {}, Layout.FLAT),
        (replace(A100, separates=False), {}, Layout.PADDED),
        (replace(A100, attention="flash_attention_2", separates=False), {}, Layout.PADDED),
        (A100, {"packing": True}, Layout.STATIC),
        (A100, {"packing": False}, Layout.PADDED),
        (A100, {"padding_free": True}, Layout.FLAT),
        (A100, {"padding_free": True, "packing": True}, Layout.STATIC),
    ],
)
def test_layout(inputs: PlanInputs, options: dict[str, Any], expected: Layout) -> None:
    assert plan(inputs, **options).layout is expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"per_device_train_batch_size": 16}, (16, 1)),
        ({"gradient_accumulation_steps": 4}, (8, 4)),
        ({"per_device_train_batch_size": 1, "gradient_accumulation_steps": 3}, (1, 3)),
    ],
)
def test_the_user_s_batch_is_never_split(
    options: dict[str, Any], expected: tuple[int, int]
) -> None:
    found = plan(replace(A100, free_bytes=GIB), **options)
    assert (found.micro_batch, found.accumulation) == expected


@pytest.mark.parametrize("chosen", [True, False])
def test_what_the_user_sets_applies(chosen: bool) -> None:
    for free in (0, 200 * GIB):
        inputs = replace(A100, free_bytes=free)
        assert plan(inputs, gradient_checkpointing=chosen).checkpointing is chosen
    assert plan(optim="sgd").optimizer == "sgd"
    assert plan(train_sampling_strategy="sequential").sampling == "sequential"


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (A100, "adamw_torch_fused"),
        (replace(A100, four_bit=True), "paged_adamw_32bit"),
        (replace(CPU, four_bit=True), "adamw_torch_fused"),
    ],
)
def test_optimizer(inputs: PlanInputs, expected: str) -> None:
    assert plan(inputs).optimizer == expected


def test_padded_examples_are_grouped_by_length() -> None:
    assert plan().sampling == "random"
    assert plan(packing=False).sampling == "group_by_length"


def test_another_device_continues_with_the_same_updates() -> None:
    begun = plan(replace(A100, four_bit=True)).to_json()
    small = replace(A100, free_bytes=3 * GIB, sequences=120)
    assert plan(small).global_batch == 1
    continued = continue_plan(plan(replace(small, sequences=100_000)), begun)
    assert (continued.micro_batch, continued.accumulation) == (2, 4)
    assert continue_plan(plan(small), begun).global_batch == 8
    assert continued.optimizer == "paged_adamw_32bit"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (8, "adamw_torch_fused", "random")),
        ({"per_device_train_batch_size": 1}, (1, "adamw_torch_fused", "random")),
        ({"gradient_accumulation_steps": 2, "optim": "sgd"}, (16, "sgd", "random")),
    ],
)
def test_a_checkpoint_of_an_earlier_release_is_continued_as_it_was_made(
    options: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    continued = continue_plan(plan(replace(A100, four_bit=True), **options), made_before(options))
    assert (continued.global_batch, continued.optimizer, continued.sampling) == expected


def test_size_by_the_configuration() -> None:
    config = {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128}
    assert model_size(config, 7) == ModelSize(hidden=64, intermediate=128, layers=2, trained=7)
    del config["intermediate_size"]
    assert model_size(config, 0) == ModelSize(hidden=64, intermediate=256, layers=2)
    assert model_size({"n_embd": 64}, 0) is None


def test_pairs_of_answers_are_padded_in_an_order_that_does_not_depend_on_the_processes() -> None:
    found = plan_execution({}, replace(A100, preferences=True, sequences=40))
    assert (found.layout, found.sampling) == (Layout.PADDED, "random")
    assert found.global_batch == 8
