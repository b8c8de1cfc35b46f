"""Batches that are divided without dividing an example, and outputs that are joined again."""

from typing import Any

import pytest
import torch
from trl.trainer.utils import FusedCausalLMOutput

from tuner.training.batch_halves import Halves, halves, join


def batch(positions: list[list[int]] | None = None, rows: int = 1, width: int = 8) -> Any:
    if positions is not None:
        rows, width = len(positions), len(positions[0])
    numbers = torch.arange(rows * width).reshape(rows, width)
    made = {"input_ids": numbers, "labels": numbers + 100, "use_cache": False}
    return made if positions is None else {**made, "position_ids": torch.tensor(positions)}


def columns(found: Halves | None) -> list[list[int]]:
    assert found is not None
    return [half["input_ids"][0].tolist() for half in found.batches]


@pytest.mark.parametrize(("rows", "expected"), [(2, [1, 1]), (3, [2, 1]), (8, [4, 4])])
def test_a_batch_of_rows_is_divided_between_rows(rows: int, expected: list[int]) -> None:
    found = halves(batch(rows=rows))
    assert found is not None
    assert [len(half["labels"]) for half in found.batches] == expected
    assert all(half["use_cache"] is False for half in found.batches)


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([0, 1, 2, 0, 1, 0, 1, 2], [[0, 1, 2], [3, 4, 5, 6, 7]]),
        ([0, 1, 0, 1, 2, 0, 1, 2], [[0, 1, 2, 3, 4], [5, 6, 7]]),
        ([0, 1, 2, 3, 4, 0, 1, 0], [[0, 1, 2, 3, 4], [5, 6, 7]]),
    ],
)
def test_a_row_is_divided_where_the_example_nearest_to_its_middle_begins(
    positions: list[int], expected: list[list[int]]
) -> None:
    assert columns(halves(batch([positions]))) == expected


@pytest.mark.parametrize(
    "one",
    [batch(), batch([[0, 1, 2, 3, 4, 5, 6, 7]]), batch([[0, 1, 2, 3, 0, 0, 0, 0]])],
    ids=["without positions", "with positions", "with padding"],
)
def test_one_example_is_not_divided(one: Any) -> None:
    assert halves(one) is None


def test_what_describes_the_whole_row_does_not_describe_its_halves() -> None:
    """FlashAttention finds the borders by the positions then."""
    flat = {
        **batch([[0, 1, 2, 0, 1, 2]]),
        "cu_seq_lens_q": torch.tensor([0, 3, 6]),
        "max_length_q": 3,
    }
    found = halves(flat)
    assert found is not None
    assert set(found.batches[0]) == {"input_ids", "labels", "position_ids", "use_cache"}


def test_joined_outputs_are_as_wide_as_those_of_the_whole_batch() -> None:
    divided = halves(batch([[0, 1, 2, 0, 1, 2, 3, 4]]))
    assert divided is not None
    outputs = [
        FusedCausalLMOutput(log_probs=torch.full((1, width - 1), -1.0), aux_loss=torch.tensor(mean))
        for width, mean in ((3, 1.0), (5, 3.0))
    ]
    joined = join(outputs, divided)
    assert joined.log_probs.tolist() == [[-1, -1, 0, -1, -1, -1, -1]]
    # By the tokens that they learn: 3 and 5.
    assert float(joined.aux_loss) == pytest.approx((3 * 1.0 + 5 * 3.0) / 8)
    assert joined.entropy is None
