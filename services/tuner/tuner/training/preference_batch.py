"""Collates pairs of answers as TRL's DPO takes them: all chosen answers, then all rejected."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tuner.examples.example import IGNORED_LABEL

# Of a blank answer: the fewest that a model predicts a token from.
_BLANK = ([0, 0], [IGNORED_LABEL] * 2)


@dataclass(frozen=True, slots=True)
class PreferenceBatch:
    """Collates pairs to `input_ids`, `attention_mask` and `completion_mask`, all 2 pairs x width.

    There are at least `least` pairs: blank ones, in which nothing is learned, are added. Processes
    that share an update gather tensors of one size.
    """

    pad_token: int
    multiple_of: int = 1
    least: int = 0

    def __call__(self, pairs: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        chosen = [_side(pair, slice(pair["chosen"])) for pair in pairs]
        rejected = [_side(pair, slice(pair["chosen"], None)) for pair in pairs]
        blank = [_BLANK] * (self.least - len(pairs))
        rows = [*chosen, *blank, *rejected, *blank]
        width = max(len(ids) for ids, _ in rows)
        width += -width % self.multiple_of
        shape = (len(rows), width)
        input_ids = torch.full(shape, self.pad_token)
        attention_mask = torch.zeros(shape, dtype=torch.long)
        completion_mask = torch.zeros(shape, dtype=torch.long)
        for number, (ids, labels) in enumerate(rows):
            input_ids[number, : len(ids)] = torch.as_tensor(ids)
            attention_mask[number, : len(ids)] = 1
            completion_mask[number, : len(ids)] = torch.as_tensor(labels) != IGNORED_LABEL
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "completion_mask": completion_mask,
        }


def count_pairs(batch: dict[str, torch.Tensor]) -> int:
    """The pairs of `batch`, without blank ones."""
    chosen, _ = batch["completion_mask"].chunk(2)
    return int(chosen.any(dim=1).sum())


def _side(pair: dict[str, Any], side: slice) -> tuple[Any, Any]:
    return pair["input_ids"][side], pair["labels"][side]
