import random
from collections import Counter
from math import ceil

import pytest

from tuner.data_report.length_distribution import distribution


def test_no_examples_have_no_distribution() -> None:
    assert distribution({}) is None
    assert distribution({7: 0}) is None


def test_one_example_is_every_percentile() -> None:
    found = distribution({7: 1})
    assert found is not None
    assert {value for _, value in found.columns()} == {7}
    assert (found.examples, found.total) == (1, 7)


def test_percentiles_of_1_to_100() -> None:
    found = distribution(Counter(range(1, 101)))
    assert found is not None
    assert dict(found.columns()) == {
        "min": 1,
        "10 %": 10,
        "median": 50,
        "90 %": 90,
        "99 %": 99,
        "max": 100,
    }
    assert found.total == 5050


@pytest.mark.parametrize("seed", range(100))
def test_counts_give_what_the_sorted_list_gives(seed: int) -> None:
    chance = random.Random(seed)
    lengths = sorted(chance.randint(0, 50) for _ in range(chance.randint(1, 300)))
    found = distribution(Counter(lengths))
    assert found is not None
    ranks = {p: lengths[ceil(p * len(lengths) / 100) - 1] for p in (10, 50, 90, 99)}
    assert (found.p10, found.median, found.p90, found.p99) == tuple(ranks.values())
    assert (found.minimum, found.maximum) == (lengths[0], lengths[-1])
    assert (found.examples, found.total) == (len(lengths), sum(lengths))
