"""Which records are held back for evaluation."""

import numpy as np
import pytest

from tuner.examples.example import Example
from tuner.examples.split import count_duplicates, record_digest, split

NONE = np.zeros(100, bool)


def records(*values: int) -> np.ndarray:
    return np.array(values, np.uint64)


@pytest.mark.parametrize("seed", [42, 7, None])
@pytest.mark.parametrize("copies", [1, 2, 5])
def test_no_record_and_none_of_its_copies_is_on_both_sides(seed: int | None, copies: int) -> None:
    digests = np.tile(np.arange(100 // copies, dtype=np.uint64), copies)
    parts = split(digests, np.zeros(len(digests), bool), 0.8, seed)
    trained, held_back = digests[parts.trained], digests[parts.held_back]
    assert not set(trained) & set(held_back)
    assert len(trained) + len(held_back) == len(digests)
    assert len(set(held_back)) == round(100 // copies * 0.2)


@pytest.mark.parametrize(
    ("count", "share", "trained"),
    [(1, 0.8, 1), (2, 0.8, 2), (5, 0.8, 4), (24, 0.75, 18), (10, 1, 10), (10, 0.01, 1)],
)
def test_share_is_met(count: int, share: float, trained: int) -> None:
    digests = np.arange(count, dtype=np.uint64)
    parts = split(digests, np.zeros(count, bool), share, 42)
    assert (parts.trained.sum(), parts.held_back.sum()) == (trained, count - trained)


def test_seed_decides() -> None:
    digests = np.arange(100, dtype=np.uint64)
    first, second, other = (split(digests, NONE, 0.5, seed).held_back for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_without_a_seed_the_last_records_are_held_back() -> None:
    # 9 is at the beginning as well, so it is trained on.
    parts = split(records(9, 1, 2, 3, 4, 9), np.zeros(6, bool), 0.6, None)
    assert parts.held_back.tolist() == [False, False, False, True, True, False]


def test_validation_data_replaces_the_split() -> None:
    is_validation = np.array([False, False, True, True, True])
    parts = split(records(1, 2, 3, 2, 4), is_validation, 0.8, 42)
    assert parts.trained.tolist() == [True, True, False, False, False]
    # 2 is trained on, so it evaluates nothing.
    assert parts.held_back.tolist() == [False, False, True, False, True]


def test_digests_are_those_of_the_tokens() -> None:
    one = record_digest([Example([1, 2, 3], [-100, 2, 3])])
    assert one == record_digest([Example([1, 2, 3], [1, 2, 3])])
    assert one != record_digest([Example([1, 2], [1, 2]), Example([3], [3])])
    assert one != record_digest([Example([1, 2, 4], [1, 2, 4])])


def test_duplicates_are_those_that_equal_an_earlier_one() -> None:
    assert count_duplicates(records(1, 2, 1, 1, 3, 2)) == 3
