"""Decides which records are trained on and which are held back for evaluation. Pure.

Records are known by digests, 8 bytes each, so that the split of many millions fits in memory.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tuner.examples.example import Example

Digests: TypeAlias = npt.NDArray[np.uint64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SplitMasks:
    """Which records are trained on, and which evaluate the training; some may do neither."""

    trained: Mask
    held_back: Mask


def record_digest(examples: Iterable[Example]) -> int:
    """A digest of the tokens of a record: equal records have equal ones."""
    digest = hashlib.blake2b(digest_size=8)
    for example in examples:
        digest.update(np.asarray(example.input_ids, np.int64).tobytes())
        digest.update(b"end of example")
    return int.from_bytes(digest.digest(), "little")


def count_duplicates(digests: Digests) -> int:
    """The number of records that equal an earlier one."""
    return len(digests) - len(np.unique(digests))


def split(
    digests: Digests, is_validation: Mask, trained_share: float, seed: int | None
) -> SplitMasks:
    """Split records so that none that is held back equals one that is trained on.

    Records that come as validation data are held back, except for those that equal one of the
    others. If there are none, `trained_share` of the records is trained on, at least one; of equal
    records, all or none are. With `seed` those held back are drawn, else they are the last ones.

    Args:
        digests: of the records, in the order of the rows.
        is_validation: for each record, whether it comes as validation data.
    """
    if is_validation.any():
        return SplitMasks(
            ~is_validation, is_validation & ~np.isin(digests, digests[~is_validation])
        )
    distinct, first, which = np.unique(digests, return_index=True, return_inverse=True)
    trained = max(1, round(len(distinct) * trained_share))
    if seed is None:
        order = np.argsort(first)
    else:
        order = np.random.default_rng(seed).permutation(len(distinct))
    is_held_back = np.zeros(len(distinct), bool)
    is_held_back[order[trained:]] = True
    held_back = is_held_back[which]
    return SplitMasks(~held_back, held_back)


def training_order(count: int, seed: int | None) -> npt.NDArray[np.int64]:
    """The order of `count` training examples: that of the rows, or shuffled with `seed`."""
    order = np.arange(count)
    return order if seed is None else np.random.default_rng(seed).permutation(order)
