"""Arranges the examples of a batch in rows of equal length, to compute them cheaply. Pure.

Attention costs the square of a row's length, and padding costs as much as tokens do: short rows are
better for the one, and full ones for the other.
"""

import math
from collections.abc import Iterator, Sequence

Rows = list[list[int]]


def arrange(lengths: Sequence[int], attention_weight: float) -> Rows:
    """The indexes of the examples in each row; every example is in one row, whole.

    Args:
        lengths: of the examples, in tokens.
        attention_weight: what a token's attention to one other token costs, relative to all else
            that the model computes for it.
    """

    def cost(rows: Rows) -> float:
        width = max(sum(lengths[index] for index in row) for row in rows)
        return len(rows) * width * (1 + width * attention_weight)

    return min((_fill(lengths, width) for width in _widths(lengths)), key=cost)


def _widths(lengths: Sequence[int]) -> Iterator[int]:
    """Candidates, from one example a row to all in one row."""
    longest, total, rows = max(lengths), sum(lengths), len(lengths)
    while rows > 1:
        yield max(longest, math.ceil(total / rows))
        rows //= 2
    yield total


def _fill(lengths: Sequence[int], width: int) -> Rows:
    """First fit, the longest examples first."""
    rows: Rows = []
    free: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        length = lengths[index]
        row = next((row for row, left in enumerate(free) if left >= length), len(rows))
        if row == len(rows):
            rows.append([])
            free.append(width)
        rows[row].append(index)
        free[row] -= length
    return rows
