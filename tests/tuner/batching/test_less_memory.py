"""What is tried, and what is said, when the memory does not suffice."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tuner.batching.test_execution_plan import A100, GIB, plan
from tuner.batching.execution_plan import ExecutionPlan
from tuner.batching.less_memory import (
    MemoryLimit,
    describe_evaluation_shortage,
    describe_shortage,
    limit_below,
    within,
)


def made(micro: int, accumulation: int, *, checkpointing: bool = False) -> ExecutionPlan:
    return replace(
        plan(),
        global_batch=micro * accumulation,
        micro_batch=micro,
        accumulation=accumulation,
        checkpointing=checkpointing,
    )


@pytest.mark.parametrize(
    ("failed", "options", "expected"),
    [
        (made(8, 1), {}, MemoryLimit(4, False)),
        (made(4, 2, checkpointing=True), {}, MemoryLimit(2, True)),
        (made(3, 2), {}, MemoryLimit(1, False)),
        (made(1, 8), {}, MemoryLimit(1, True)),
        (made(1, 8), {"gradient_checkpointing": False}, None),
        (made(1, 8), {"activation_checkpointing": False}, None),
        (made(1, 8, checkpointing=True), {}, None),
    ],
)
def test_half_as_much_is_tried_then_activations_computed_twice(
    failed: ExecutionPlan, options: dict[str, Any], expected: MemoryLimit | None
) -> None:
    assert limit_below(failed, options) == expected


@pytest.mark.parametrize(
    ("wanted", "limit", "micro", "accumulation"),
    [
        (made(8, 1), MemoryLimit(4, False), 4, 2),
        (made(2, 4), MemoryLimit(4, False), 2, 4),
        (made(6, 1), MemoryLimit(4, False), 3, 2),
        (made(5, 1), MemoryLimit(2, False), 1, 5),
        (made(8, 1), None, 8, 1),
    ],
)
def test_a_limit_leaves_the_sequences_of_an_update_as_they_were(
    wanted: ExecutionPlan, limit: MemoryLimit | None, micro: int, accumulation: int
) -> None:
    found = within(wanted, limit)
    assert (found.micro_batch, found.accumulation) == (micro, accumulation)
    assert found.global_batch == wanted.global_batch


def test_a_limit_keeps_activations_computed_twice() -> None:
    assert within(made(8, 1, checkpointing=True), MemoryLimit(4, False)).checkpointing
    assert within(made(1, 8), MemoryLimit(1, True)).checkpointing


@pytest.mark.parametrize(
    ("free_gib", "failed", "expected"),
    [
        (
            20,
            made(8, 1),
            "8 sequences of up to 1,024 tokens at a time need more than the 20.0 GiB that were "
            "free once the model was loaded; about per_device_train_batch_size 8 with "
            "gradient_accumulation_steps 1 and gradient_checkpointing true would fit",
        ),
        (
            4,
            made(8, 1, checkpointing=True),
            "8 sequences of up to 1,024 tokens at a time need more than the 4.0 GiB that were "
            "free once the model was loaded; about per_device_train_batch_size 4 with "
            "gradient_accumulation_steps 2 and gradient_checkpointing true would fit",
        ),
        (
            1,
            made(1, 8, checkpointing=True),
            "1 sequence of up to 1,024 tokens at a time need more than the 1.0 GiB that were "
            "free once the model was loaded; about per_device_train_batch_size 1 with "
            "gradient_accumulation_steps 8 and gradient_checkpointing true and max_length 704 "
            "would fit",
        ),
        (
            0.3,
            made(1, 8, checkpointing=True),
            "1 sequence of up to 1,024 tokens at a time need more than the 0.3 GiB that were "
            "free once the model was loaded; no batch of this model would fit",
        ),
    ],
)
def test_the_message_says_what_would_fit(
    free_gib: float, failed: ExecutionPlan, expected: str
) -> None:
    inputs = replace(A100, free_bytes=int(free_gib * GIB))
    assert describe_shortage(failed, inputs) == expected


def test_the_estimate_that_was_wrong_is_not_trusted_again() -> None:
    """By the estimate 8 at a time take 9 GiB. They did not fit into 62."""
    message = describe_shortage(made(8, 1, checkpointing=True), A100)
    assert "about per_device_train_batch_size 4 with gradient_accumulation_steps 2" in message


def test_a_model_of_unknown_size_gets_the_smallest_batch() -> None:
    message = describe_shortage(made(8, 1), replace(A100, size=None))
    assert message.startswith("8 sequences of up to 1,024 tokens at a time do not fit")
    assert "per_device_train_batch_size 1 with gradient_accumulation_steps 8" in message


@pytest.mark.parametrize(
    ("free_gib", "expected"),
    [
        (
            4,
            "one example of 1,024 tokens does not fit beside the training in the 4.0 GiB that were "
            "free once the model was loaded; about TrainingArguments.max_length 704 would fit",
        ),
        (
            0.25,
            "one example of 1,024 tokens does not fit beside the training in the 0.2 GiB that were "
            "free once the model was loaded; no example of this model would fit",
        ),
    ],
)
def test_the_message_says_how_long_an_evaluated_example_may_be(
    free_gib: float, expected: str
) -> None:
    inputs = replace(A100, free_bytes=int(free_gib * GIB))
    assert describe_evaluation_shortage(1024, inputs) == expected


def test_half_of_an_example_is_suggested_for_a_model_of_unknown_size() -> None:
    message = describe_evaluation_shortage(1024, replace(A100, size=None))
    assert message.endswith("beside the training; about TrainingArguments.max_length 512 would fit")
