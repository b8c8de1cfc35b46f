"""Steps as the Trainer computes them."""

import math
from typing import Any

import pytest

from tuner.data_report.training_plan import plan_training


def steps(examples: int, tokens: int = 100_000, **options: Any) -> int:
    return plan_training(options, examples=examples, held_back=0, tokens=tokens).steps


@pytest.mark.parametrize(
    ("examples", "options", "expected"),
    [
        (0, {}, 0),
        (1, {}, 3),
        (8, {}, 24),
        (905, {}, 1359),
        (10_000, {}, 3750),
        (905, {"per_device_train_batch_size": 1}, 2715),
        (905, {"gradient_accumulation_steps": 4}, 87),
        (7, {"gradient_accumulation_steps": 4}, 3),
        (100, {"num_train_epochs": 1}, 100),
        (100, {"num_train_epochs": 0.5}, 50),
        (100, {"num_train_epochs": 1.5, "per_device_train_batch_size": 8}, 20),
        (100, {"max_steps": 10}, 10),
        (100, {"max_steps": 10, "num_train_epochs": 50}, 10),
        (100, {"max_steps": -1}, 300),
        (0, {"max_steps": 10}, 0),
        (9, {"dataloader_drop_last": True, "per_device_train_batch_size": 8}, 3),
        (7, {"dataloader_drop_last": True, "per_device_train_batch_size": 8}, 3),
    ],
)
def test_steps(examples: int, options: dict[str, Any], expected: int) -> None:
    assert steps(examples, **options) == expected


def test_packed_examples_fill_max_length() -> None:
    plan = plan_training(
        {
            "packing": True,
            "max_length": 500,
            "per_device_train_batch_size": 2,
            "num_train_epochs": 1,
        },
        examples=1000,
        held_back=0,
        tokens=10_001,
    )
    assert plan.packed
    # 21 sequences of 500 tokens, two a step.
    assert plan.steps == 11


def test_packing_without_max_length_does_not_pack() -> None:
    options = {"packing": True, "max_length": None}
    plan = plan_training(options, examples=10, held_back=0, tokens=1000)
    assert not plan.packed


def test_tokens_are_those_of_all_epochs() -> None:
    plan = plan_training({"num_train_epochs": 2}, examples=10, held_back=3, tokens=1000)
    assert (plan.tokens, plan.held_back) == (2000, 3)


def test_max_steps_decide_the_epochs() -> None:
    plan = plan_training({"max_steps": 13}, examples=100, held_back=0, tokens=1000)
    assert (plan.epochs, plan.tokens) == (1.0, 1000)


@pytest.mark.parametrize("examples", [1, 2, 7, 8, 9, 63, 64, 65, 100])
@pytest.mark.parametrize("batch", [1, 2, 8])
@pytest.mark.parametrize("accumulation", [1, 3, 4])
def test_steps_equal_the_sum_of_the_loader_s_batches(
    examples: int, batch: int, accumulation: int
) -> None:
    batches = len(range(0, examples, batch))
    updates = len(range(0, batches, accumulation))
    options: dict[str, Any] = {
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
        "num_train_epochs": 2.5,
    }
    assert steps(examples, **options) == math.ceil(2.5 * updates)
