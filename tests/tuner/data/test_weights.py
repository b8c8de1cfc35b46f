"""How often the rows of a file are used."""

import numpy as np
import pytest

from tuner.data.weights import check_weights, weight_of, weighted_indices
from tuner.errors import RunError
from tuner.layout.layout import SplitFile
from tuner.reasons import Reason

NAMES = ["chat/a.jsonl", "chat/b.jsonl", "own.jsonl"]
ADDRESSES = ["hf://datasets/o/n/chat/a.jsonl", "hf://datasets/o/n/chat/b.jsonl", "https://h/own"]

FILES_USED = [
    SplitFile(name, "train", address) for name, address in zip(NAMES, ADDRESSES, strict=True)
]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({}, [1, 1, 1]),
        ({"own.jsonl": 2.0}, [1, 1, 2]),
        ({"chat/*": 0.5}, [0.5, 0.5, 1]),
        ({"hf://datasets/o/n/**": 3.0, "own.jsonl": 0.1}, [3, 3, 0.1]),
        ({"chat/a.jsonl": 2.0, "**": 0.5}, [2, 0.5, 0.5]),
    ],
)
def test_first_pattern_that_matches_counts(
    weights: dict[str, float], expected: list[float]
) -> None:
    found = [weight_of(*file, weights) for file in zip(NAMES, ADDRESSES, strict=True)]
    assert found == expected
    check_weights(FILES_USED, weights)


def test_pattern_that_matches_nothing_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        check_weights(FILES_USED, {"chat/*": 2.0, "chta/*": 2.0})
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert caught.value.message == (
        "training_config.yaml: DatasetConfig.weights has the key 'chta/*', which matches no file; "
        "the files are: chat/a.jsonl, chat/b.jsonl, own.jsonl"
    )


FILES = np.array([0] * 10 + [1] * 4)


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        ([1, 1], (10, 4)),
        ([2, 1], (20, 4)),
        ([0.5, 1], (5, 4)),
        ([1, 2.5], (10, 10)),
        ([0.01, 1], (0, 4)),
        ([0.1, 3], (1, 12)),
    ],
)
def test_weight_is_the_number_of_times_that_a_row_is_used(
    weights: list[float], counts: tuple[int, int]
) -> None:
    indices = weighted_indices(FILES, weights, seed=1)
    assert tuple(np.bincount(FILES[indices], minlength=2)) == counts
    assert list(indices) == sorted(indices)
    for number, weight in enumerate(weights):
        times = np.bincount(indices, minlength=len(FILES))[number == FILES]
        assert set(times) <= {int(weight), int(weight) + 1}


def test_same_seed_draws_the_same_rows() -> None:
    first, again, other = (
        weighted_indices(np.zeros(100, np.int64), [0.5], seed=seed) for seed in (1, 1, 2)
    )
    assert list(first) == list(again)
    assert list(first) != list(other)


def test_rows_of_a_file_may_be_anywhere() -> None:
    assert list(weighted_indices(np.array([1, 0, 1]), [2, 1], seed=0)) == [0, 1, 1, 2]
