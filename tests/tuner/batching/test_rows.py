"""Every example is in one row, whole, and the arrangement is a cheap one."""

import random

import pytest

from tuner.batching.rows import arrange

# Of a model with a hidden size of 192 and of one with 4096.
SMALL, LARGE = 2e-3, 7e-5


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("weight", [0.0, LARGE, SMALL, 1.0])
def test_every_example_is_in_one_row(seed: int, weight: float) -> None:
    source = random.Random(seed)
    lengths = [source.choice([2, 30, 100, 1000]) for _ in range(source.randint(1, 40))]
    rows = arrange(lengths, weight)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(rows)


@pytest.mark.parametrize(
    ("lengths", "weight", "expected"),
    [
        ([7], SMALL, [[0]]),
        # Equal lengths need no packing: attention would only become dearer.
        ([100, 100, 100, 100], SMALL, [[0], [1], [2], [3]]),
        # Without attention's cost, nothing is cheaper than no padding.
        ([100, 60, 40, 30], 0.0, [[0, 1, 2, 3]]),
        # The short ones fill a row beside the long one.
        ([1000, 300, 300, 300], SMALL, [[0], [1, 2, 3]]),
    ],
)
def test_rows(lengths: list[int], weight: float, expected: list[list[int]]) -> None:
    assert arrange(lengths, weight) == expected


def test_packing_costs_no_more_than_padding() -> None:
    source = random.Random(7)
    for _ in range(50):
        lengths = [source.randint(2, 1000) for _ in range(8)]
        rows = arrange(lengths, SMALL)
        width = max(sum(lengths[index] for index in row) for row in rows)
        padded = 8 * max(lengths) * (1 + SMALL * max(lengths))
        assert len(rows) * width * (1 + SMALL * width) <= padded
