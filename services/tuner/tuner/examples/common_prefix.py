"""How far two sequences agree."""

from collections.abc import Sequence
from typing import Any


def common_prefix_length(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The number of items with which both begin."""
    for count, (item, other_item) in enumerate(zip(one, other, strict=False)):
        if item != other_item:
            return count
    return min(len(one), len(other))
