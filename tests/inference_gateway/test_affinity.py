"""Which replica a prompt belongs to, and how loads bound that."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_gateway.endpoints.affinity import (
    LOAD_FACTOR,
    Load,
    affinity_key,
    most_in_flight,
    order,
    rank,
)

NAMES = ("phi-0.n.svc:29500", "phi-1.n.svc:29500", "phi-2.n.svc:29500", "phi-3.n.svc:29500")
KEYS = [affinity_key("phi", f"conversation {number}".encode()) for number in range(2000)]

# The same examples in every run, however slow the machine.
drawn = settings(deadline=None, derandomize=True)
keys = st.binary(min_size=16, max_size=16)
names = st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=9, unique=True)
in_flights = st.lists(st.integers(0, 60), min_size=1, max_size=9)


def owner(key: bytes, replicas: tuple[str, ...]) -> str:
    return replicas[rank(key, replicas)[0]]


def loads(*in_flight: int) -> list[Load]:
    return [Load(f"phi-{index}", number) for index, number in enumerate(in_flight)]


def test_keys_are_spread_evenly() -> None:
    counts = Counter(owner(key, NAMES) for key in KEYS)
    assert all(0.85 * 500 < counts[name] < 1.15 * 500 for name in NAMES)


@drawn
@given(keys, names, st.data())
def test_a_replica_that_leaves_moves_only_its_own_keys(
    key: bytes, found: list[str], data: st.DataObject
) -> None:
    before = owner(key, tuple(found))
    gone = data.draw(st.sampled_from(found))
    after = owner(key, tuple(name for name in found if name != gone))
    assert (after != before) is (gone == before)


def test_a_replica_that_joins_takes_its_share_and_moves_nothing_else() -> None:
    moved = [key for key in KEYS if owner(key, NAMES) != owner(key, NAMES[:3])]
    assert {owner(key, NAMES) for key in moved} == {NAMES[3]}
    assert len(moved) == pytest.approx(len(KEYS) / 4, rel=0.15)


@drawn
@given(keys, names, st.data())
def test_the_order_in_which_replicas_are_listed_is_irrelevant(
    key: bytes, found: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(found))
    assert owner(key, tuple(found)) == owner(key, tuple(shuffled))


@drawn
@given(keys, in_flights)
def test_the_chosen_replica_stays_within_the_bound(key: bytes, in_flight: list[int]) -> None:
    found = loads(*in_flight)
    chosen = order(key, found)[0]
    mean = (sum(in_flight) + 1) / len(in_flight)
    assert in_flight[chosen] + 1 <= math.ceil(LOAD_FACTOR * mean)


@drawn
@given(keys, in_flights)
def test_every_replica_is_tried_once(key: bytes, in_flight: list[int]) -> None:
    assert sorted(order(key, loads(*in_flight))) == list(range(len(in_flight)))


@drawn
@given(st.lists(keys, min_size=1, max_size=300), st.integers(2, 6))
def test_requests_that_stay_never_pile_up(arriving: list[bytes], replicas: int) -> None:
    """Whatever their keys, even one single key for all."""
    counts = [0] * replicas
    for key in arriving:
        counts[order(key, loads(*counts))[0]] += 1
    assert max(counts) <= math.ceil(LOAD_FACTOR * sum(counts) / replicas)


def test_a_hot_prompt_spills_over_to_always_the_same_replicas() -> None:
    key = KEYS[0]
    first, second, *_ = rank(key, [load.name for load in loads(0, 0, 0, 0)])
    counts = [10, 10, 10, 10]
    counts[first] = 15
    assert most_in_flight(loads(*counts)) == 15
    assert order(key, loads(*counts))[0] == second


def test_a_replica_that_came_back_gets_its_own_keys_at_once() -> None:
    """It does not get everything until it is as busy as the others, as the idlest one would."""
    assert {order(key, loads(8, 8, 8, 0))[0] for key in KEYS} == {3}
    chosen = Counter(order(key, loads(8, 8, 8, 2))[0] for key in KEYS)
    assert chosen[3] / len(KEYS) == pytest.approx(1 / 4, rel=0.15)


@pytest.mark.parametrize(
    ("in_flight", "most"), [((0,), 2), ((0, 0), 1), ((3, 4), 5), ((10, 10, 10, 9), 13)]
)
def test_most_in_flight(in_flight: tuple[int, ...], most: int) -> None:
    assert most_in_flight(loads(*in_flight)) == most


def test_adapters_have_keys_of_their_own() -> None:
    assert affinity_key("phi", b"hello") != affinity_key("style", b"hello")
