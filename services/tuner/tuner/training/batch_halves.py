"""Divides a batch of an evaluation in two, and joins what the model makes of the halves.

No example is divided. Per-token outputs are those of the whole batch, so a loss that sums them is
the same, up to rounding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tuner.examples.example import IGNORED_LABEL

Batch = Mapping[str, Any]
# Dimensions of a batch's tensors.
ROWS, COLUMNS = 0, 1


@dataclass(frozen=True, slots=True)
class Halves:
    """Two batches, which lie `along` rows or columns of the one that they come from."""

    batches: tuple[Batch, Batch]
    along: int


def halves(batch: Batch) -> Halves | None:
    """The two halves of `batch`: of its rows, or of the examples in its only row.

    None if it is a single example.
    """
    rows, _ = batch["input_ids"].shape
    if rows > 1:
        middle = (rows + 1) // 2
        return Halves((_part(batch, ROWS, 0, middle), _part(batch, ROWS, middle, rows)), ROWS)
    border = _middle_border(batch.get("position_ids"))
    if border is None:
        return None
    end = batch["input_ids"].shape[COLUMNS]
    return Halves((_part(batch, COLUMNS, 0, border), _part(batch, COLUMNS, border, end)), COLUMNS)


def join(outputs: Sequence[Any], divided: Halves) -> Any:
    """One output of the model, from those of the two `divided` batches."""
    joined = {}
    for name, first in outputs[0].items():
        if not isinstance(first, torch.Tensor):
            continue
        parts = [first, outputs[1][name]]
        if first.ndim == 0:
            joined[name] = _mean(parts, divided.batches)
        elif divided.along == ROWS:
            joined[name] = torch.cat(parts, ROWS)
        else:
            width = divided.batches[0]["input_ids"].shape[COLUMNS]
            joined[name] = torch.cat([_widened(first, width), parts[1]], COLUMNS)
    return type(outputs[0])(**joined)


def _widened(values: torch.Tensor, width: int) -> torch.Tensor:
    """`values` with zeros in the columns up to `width`: a model predicts nothing for the last."""
    shape = list(values.shape)
    shape[COLUMNS] = width - shape[COLUMNS]
    return torch.cat([values, values.new_zeros(shape)], COLUMNS)


def _part(batch: Batch, along: int, start: int, end: int) -> Batch:
    size = batch["input_ids"].shape[along]
    part = {}
    for name, value in batch.items():
        if not isinstance(value, torch.Tensor):
            # A length that attention is computed by is that of the whole batch.
            if not name.startswith("max_length"):
                part[name] = value
        elif value.ndim > along and value.shape[along] == size:
            part[name] = value.narrow(along, start, end - start)
    return part


def _middle_border(positions: torch.Tensor | None) -> int | None:
    """Where an example begins, not the first one of the row, nearest to the row's middle."""
    if positions is None or positions.ndim != 2:
        return None
    row = positions[0]
    # Padding has position 0 throughout; an example has two tokens at least.
    begins = ((row[:-1] == 0) & (row[1:] == 1)).nonzero().flatten().tolist()
    return min(begins[1:], key=lambda begin: abs(begin - len(row) / 2), default=None)


def _mean(values: Sequence[torch.Tensor], batches: Sequence[Batch]) -> torch.Tensor:
    """The mean of two batches' numbers, weighted by the tokens that they learn."""
    weights = [max(1, int((batch["labels"] != IGNORED_LABEL).sum())) for batch in batches]
    total: torch.Tensor = sum(
        (value * weight for value, weight in zip(values, weights, strict=True)),
        start=torch.zeros_like(values[0]),
    )
    return total / sum(weights)
