"""How far two sequences agree."""

from collections.abc import Sequence
from typing import Any


def common_prefix_length(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The number of items with which both begin."""
    for count, (item, other_item) in enumerate(zip(one, other, strict=False)):
        if item != other_item:
            return count
    return min(len(one), len(other))


def common_text_length(one: str, other: str) -> int:
    """The number of characters with which both begin.

    Halves are compared as a whole: the texts of a long conversation are compared for each answer.
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
