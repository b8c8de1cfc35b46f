"""Packs the examples of a batch into rows; attention stays within each example.

The examples of a batch are those that it has without packing, so an update learns the same: the
gradient is the sum of theirs. Only the padding is less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tuner.batching.rows import arrange
from tuner.examples.example import IGNORED_LABEL


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Collates examples to `input_ids`, `labels` and `position_ids`, all rows x width.

    Positions start at 0 in each example, by which transformers builds the block-diagonal mask; that
    takes batches without an `attention_mask`. Padding has position 0 throughout.
    """

    pad_token: int
    attention_weight: float
    multiple_of: int = 1

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        rows = arrange([len(each["input_ids"]) for each in examples], self.attention_weight)
        filled = [[examples[index] for index in row] for row in rows]
        width = max(sum(len(each["input_ids"]) for each in row) for row in filled)
        width += -width % self.multiple_of
        shape = (len(rows), width)
        ids = torch.full(shape, self.pad_token)
        labels = torch.full(shape, IGNORED_LABEL)
        positions = torch.zeros(shape, dtype=torch.long)
        for number, row in enumerate(filled):
            start = 0
            for example in row:
                end = start + len(example["input_ids"])
                ids[number, start:end] = torch.as_tensor(example["input_ids"])
                # What precedes the first token is another example.
                labels[number, start + 1 : end] = torch.as_tensor(example["labels"][1:])
                positions[number, start:end] = torch.arange(end - start)
                start = end
        return {"input_ids": ids, "labels": labels, "position_ids": positions}


def count_tokens(position_ids: torch.Tensor) -> torch.Tensor:
    """The tokens of packed examples, without padding; an example has two tokens at least.

    Each token after the first has a position above 0, and each example has one token at 1.
    """
    return (position_ids > 0).sum() + (position_ids == 1).sum()
