"""Which adapter is unloaded or served next."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

import pytest

from model_server.pulled_adapters.next_step import (
    Failure,
    Rest,
    Serve,
    Source,
    Step,
    Unload,
    next_step,
)
from model_server.pulled_adapters.wanted import Verification, WantedAdapter

A = WantedAdapter(name="a", image="r/a:1")
A2 = WantedAdapter(name="a", image="r/a:2")
B = WantedAdapter(name="b", image="r/b:1")


SIGNED = WantedAdapter(
    name="a", image="r/a:1", verification=Verification(public_keys="one", source="s")
)
SIGNED2 = replace(SIGNED, image="r/a:2")
OTHER_KEY = replace(SIGNED, verification=Verification(public_keys="two", source="s"))


def source(entry: WantedAdapter) -> Source:
    return Source(entry.folder_name, entry.strength)


def failed(entry: WantedAdapter, retry_at: float | None = None) -> dict[str, Failure]:
    return {entry.name: Failure(entry=entry, cause="x", retry_at=retry_at)}


CASES: dict[str, tuple[list[WantedAdapter], list[WantedAdapter], Mapping[str, Failure], Step]] = {
    "nothing": ([], [], {}, Rest(None)),
    "a new one": ([A], [], {}, Serve(A)),
    "it serves": ([A], [A], {}, Rest(None)),
    "by name": ([B, A], [], {}, Serve(A)),
    "not wanted any longer": ([B], [A], {}, Unload("a")),
    "another image": ([A2], [A], {}, Serve(A2)),
    "a signature is demanded of what serves": ([SIGNED], [A], {}, Unload("a")),
    "another key is demanded": ([OTHER_KEY], [SIGNED], {}, Unload("a")),
    "it is signed": ([SIGNED], [SIGNED], {}, Rest(None)),
    "a new version of what is signed": ([SIGNED2], [SIGNED], {}, Serve(SIGNED2)),
    "an unsigned version of what is signed": ([SIGNED2], [SIGNED], failed(SIGNED2), Rest(None)),
    "a signature is no longer demanded": ([A], [SIGNED], {}, Serve(A)),
    "another strength": (
        [WantedAdapter(name="a", image="r/a:1", strength=0.5)],
        [A],
        {},
        Serve(WantedAdapter(name="a", image="r/a:1", strength=0.5)),
    ),
    "a bad one does not hold up the others": ([A, B], [], failed(A), Serve(B)),
    "a bad one rests": ([A, B], [B], failed(A), Rest(None)),
    "a bad one is tried when it has changed": ([A2], [], failed(A), Serve(A2)),
    "a retry is not due": ([A], [], failed(A, 11), Rest(11)),
    "a retry is due": ([A], [], failed(A, 10), Serve(A)),
    "a bad one in place of a good one": ([A2], [A], failed(A2), Rest(None)),
}


@pytest.mark.parametrize(("wanted", "serving", "failures", "step"), CASES.values(), ids=CASES)
def test_next_step(
    wanted: list[WantedAdapter],
    serving: list[WantedAdapter],
    failures: Mapping[str, Failure],
    step: Step,
) -> None:
    present = {entry.name: source(entry) for entry in serving}
    assert next_step({e.name: e for e in wanted}, present, failures, now=10.0) == step


STATES = (None, ("1", 1.0), ("2", 1.0), ("2", 0.5))


def combinations() -> Iterator[dict[str, WantedAdapter]]:
    """All states of two adapters: missing, or one of two images, at one of two strengths."""
    for states in product(STATES, repeat=2):
        yield {
            name: WantedAdapter(name=name, image=f"r/{name}:{state[0]}", strength=state[1])
            for name, state in zip("ab", states, strict=True)
            if state is not None
        }


@pytest.mark.parametrize("bad", ["", "1", "2", "12"])
def test_steps_end_with_the_wanted_adapters_and_what_is_bad_keeps_what_it_had(bad: str) -> None:
    for start, goal in product(combinations(), repeat=2):
        present = {name: source(entry) for name, entry in start.items()}
        failures: dict[str, Failure] = {}
        steps = 0
        while not isinstance(step := next_step(goal, present, failures, now=0.0), Rest):
            steps += 1
            assert steps <= 4
            if isinstance(step, Unload):
                del present[step.name]
            elif step.entry.image[-1] in bad:
                failures |= failed(step.entry)
            else:
                present[step.entry.name] = source(step.entry)
        assert present.keys() <= goal.keys()
        for name, entry in goal.items():
            kept = source(start[name]) if name in start else None
            served = kept == source(entry) or entry.image[-1] not in bad
            assert present.get(name) == (source(entry) if served else kept)
