"""Loads the share of one process of each batch, in the order that a single process would have."""

from collections.abc import Iterator, Sequence
from typing import Any

import datasets
import torch
from accelerate.data_loader import SeedableRandomSampler
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler

from tuner.batching.execution_plan import ExecutionPlan
from tuner.batching.shares import share, steps_per_epoch
from tuner.examples.example import IGNORED_LABEL

# Of an example: `seq_lengths` where several are packed into one sequence before the training, and
# `chosen` where it is a pair of answers.
_COLUMNS = ("input_ids", "labels", "seq_lengths", "chosen")
# The fewest tokens that an example can have.
_BLANK_TOKENS = 2


class SharedLoader(DataLoader):  # type: ignore[misc]
    """The loader of one process. The trainer names the epoch, which decides about the order."""

    def set_epoch(self, epoch: int) -> None:
        self.batch_sampler.set_epoch(epoch)


class SharedBatches(Sampler):  # type: ignore[misc]
    """The batches of the process `rank`, of sequences that come in the order of `sampler`."""

    def __init__(self, sampler: Sampler, plan: ExecutionPlan, rank: int) -> None:
        self._sampler = _seeded(sampler)
        self._plan = plan
        self._rank = rank

    def __len__(self) -> int:
        return steps_per_epoch(self._plan, len(self._sampler))

    def __iter__(self) -> Iterator[list[int]]:
        order = list(self._sampler)
        for batch in share(order, self._plan, self._rank):
            yield batch or [len(order)]

    def set_epoch(self, epoch: int) -> None:
        self._sampler.set_epoch(epoch)


class WithBlank(Dataset):  # type: ignore[misc]
    """`examples`, and after the last one a blank, of which nothing is learned."""

    def __init__(self, examples: datasets.Dataset) -> None:
        kept = [name for name in _COLUMNS if name in examples.column_names]
        self._examples = examples.select_columns(kept)

    def __len__(self) -> int:
        return len(self._examples) + 1

    def __getitem__(self, index: int) -> dict[str, Any]:
        if index < len(self._examples):
            return dict(self._examples[index])
        first = self._examples[0]
        if "chosen" in first:
            tokens = first["input_ids"][:_BLANK_TOKENS] * 2
            labels = [IGNORED_LABEL] * len(tokens)
            return {"input_ids": tokens, "labels": labels, "chosen": _BLANK_TOKENS}
        blank = {
            "input_ids": first["input_ids"][:_BLANK_TOKENS],
            "labels": [IGNORED_LABEL] * _BLANK_TOKENS,
        }
        return {**blank, "seq_lengths": [_BLANK_TOKENS]} if "seq_lengths" in first else blank

    def __getitems__(self, indexes: Sequence[int]) -> list[dict[str, Any]]:
        return [self[index] for index in indexes]


class _EpochSeeded(Sampler):  # type: ignore[misc]
    """A sampler that draws from torch's global generator, with one of its own for each epoch."""

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        self._seed = torch.random.initial_seed()
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[int]:
        self._sampler.generator = torch.Generator().manual_seed(self._seed + self._epoch)
        return iter(self._sampler)

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch


def _seeded(sampler: Sampler) -> Any:
    """As accelerate seeds the sampler of a single process."""
    if isinstance(sampler, RandomSampler):
        return SeedableRandomSampler(sampler.data_source, generator=None)
    return _EpochSeeded(sampler)
