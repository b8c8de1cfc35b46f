"""How many replicas are created and deleted, and which: scaling and rolling out."""

from typing import Any

import pytest

from kaito_api.reasons import Reason
from tests.workspace_controller.inference_sets.given_sets import inference_set, spec_of
from workspace_controller.inference_sets.plan.replica import Replica
from workspace_controller.inference_sets.plan.scaling import (
    Scaling,
    bounds_of,
    decide_scaling,
    deletion_order,
)

NEW, OLD = "new", "old"


def replicas(text: str) -> list[Replica]:
    """One replica a word: N for the present template or O for an earlier one, then + for one that
    serves, - for one that does not yet, x for one that has failed, and d for one that is being
    deleted. They are named and created in this order."""
    return [
        Replica(
            name=f"{word}{number}",
            template_hash=NEW if word[0] == "N" else OLD,
            created=f"{number:03}",
            serving=word[1] == "+",
            failed=word[1] == "x",
            deleting=word[1] == "d",
            message="it crashed" if word[1] == "x" else "",
        )
        for number, word in enumerate(text.split())
    ]


def decide(text: str, wanted: int, **spec: Any) -> Scaling:
    return decide_scaling(spec_of(inference_set(replicas=wanted, **spec)), replicas(text), NEW)


def rolling(**bounds: Any) -> dict[str, Any]:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": bounds}}


NO_SURGE = rolling(maxSurge=0)


@pytest.mark.parametrize(
    ("present", "wanted", "creates", "deletes"),
    [
        ("", 2, 2, ()),
        ("N+ N-", 2, 0, ()),
        ("N+", 3, 2, ()),
        ("N+ Nd", 2, 1, ()),
        ("N+ N+ N+", 2, 0, ("N+2",)),
        ("N- N+ N+", 2, 0, ("N-0",)),
        ("N+ Nx N-", 1, 0, ("Nx1", "N-2")),
        ("N+ N+", 0, 0, ("N+1", "N+0")),
        ("", 0, 0, ()),
        ("Nx", 1, 0, ()),
        ("Nx", 2, 1, ()),
    ],
    ids=[
        "new", "complete", "scaled up", "deleted by hand", "newest first", "not ready first",
        "failed before not ready", "to zero", "zero", "a failure is not replaced by another",
        "a failure stops no scaling",
    ],
)  # fmt: skip
def test_number_of_replicas(
    present: str, wanted: int, creates: int, deletes: tuple[str, ...]
) -> None:
    found = decide(present, wanted)
    assert (found.creates, found.deletes) == (creates, deletes)


@pytest.mark.parametrize(
    ("present", "wanted", "creates", "deletes"),
    [
        ("O+ O+", 2, 1, ()),
        ("O+ O+ N-", 2, 0, ()),
        ("O+ O+ N+", 2, 0, ("O+1",)),
        ("O+ Od N+", 2, 0, ()),
        ("O+ N+", 2, 1, ()),
        ("O+ N+ N+", 2, 0, ("O+0",)),
        ("O- O+", 2, 1, ()),
        ("O- O+ N+", 2, 0, ("O-0",)),
        ("Ox", 1, 1, ("Ox0",)),
        ("O+ O+ Od", 3, 1, ()),
        ("Od Od", 2, 2, ()),
        ("O+ O+ N-", 1, 0, ("O+1",)),
        ("O+ N- N-", 1, 0, ("N-2",)),
        ("O+ O+", 0, 0, ("O+1", "O+0")),
        ("O-", 0, 0, ("O-0",)),
    ],
    ids=[
        "one more", "it starts", "it serves", "until the old one is gone", "the next", "the last",
        "an old one that does not serve is needed", "and goes first", "a failure goes at once",
        "one of three is deleted by hand", "all are deleted by hand", "scaled down meanwhile",
        "scaled below the new ones", "to zero", "to zero before it served",
    ],
)  # fmt: skip
def test_roll_out_by_surge(
    present: str, wanted: int, creates: int, deletes: tuple[str, ...]
) -> None:
    found = decide(present, wanted)
    assert (found.creates, found.deletes) == (creates, deletes)


@pytest.mark.parametrize(
    ("present", "creates", "deletes"),
    [
        ("O+ O+", 0, ("O+1",)),
        ("O+ Od", 0, ()),
        ("O+", 1, ()),
        ("Od N+", 0, ()),
        ("O+ N-", 0, ()),
        ("O+ N+", 0, ("O+0",)),
        ("O- O-", 0, ("O-1",)),
    ],
    ids=["delete", "wait", "create", "wait for the last", "start", "the next", "nothing served"],
)
def test_roll_out_without_a_surge_never_has_more_nodes(
    present: str, creates: int, deletes: tuple[str, ...]
) -> None:
    found = decide(present, 2, **NO_SURGE)
    assert (found.creates, found.deletes) == (creates, deletes)


@pytest.mark.parametrize("strategy", [{}, NO_SURGE], ids=["surge", "no surge"])
def test_failure_of_the_present_template_stops_the_roll_out(strategy: dict[str, Any]) -> None:
    found = decide("O+ O+ Nx", 2, **strategy)
    assert (found.creates, found.deletes) == (0, ())
    assert found.hold is not None
    assert (found.hold.reason, found.hold.message) == (Reason.ROLL_OUT_FAILED, "Nx2: it crashed")


def test_a_stopped_roll_out_can_be_scaled_down() -> None:
    assert decide("O+ O+ Nx", 1).deletes == ("O+1",)


@pytest.mark.parametrize(
    ("strategy", "present", "creates", "deletes"),
    [
        ({"updateStrategy": {"type": "OnDelete"}}, "O+ O+", 0, ()),
        ({"updateStrategy": {"type": "OnDelete"}}, "O+ Od", 1, ()),
        (rolling(partition=1), "O+ O+", 1, ()),
        (rolling(partition=1), "O+ O+ N+", 0, ("O+1",)),
        (rolling(partition=1), "O+ N+", 0, ()),
    ],
    ids=["kept", "deleted by hand", "one of two", "it serves", "the other stays"],
)
def test_strategies_that_keep_replicas(
    strategy: dict[str, Any], present: str, creates: int, deletes: tuple[str, ...]
) -> None:
    found = decide(present, 2, **strategy)
    assert (found.creates, found.deletes) == (creates, deletes)


@pytest.mark.parametrize(
    ("bounds", "surge", "unavailable"),
    [
        ({}, 1, 0),
        ({"maxUnavailable": 1}, 1, 0),
        ({"maxSurge": "25%"}, 3, 0),
        ({"maxSurge": 0}, 0, 1),
        ({"maxSurge": 0, "maxUnavailable": "50%"}, 0, 5),
        ({"maxSurge": 0, "maxUnavailable": "5%"}, 0, 1),
    ],
    ids=["default", "KAITO's default", "rounded up", "one by one", "half", "at least one"],
)
def test_bounds(bounds: dict[str, Any], surge: int, unavailable: int) -> None:
    found = bounds_of(spec_of(inference_set(replicas=10, **rolling(**bounds))))
    assert (found.surge, found.unavailable) == (surge, unavailable)


def test_node_count_limit() -> None:
    found = decide("N+", 4, nodeCountLimit=2)
    assert found.creates == 1
    assert found.hold is not None and found.hold.reason is Reason.NODE_COUNT_LIMIT_REACHED
    assert found.hold.message == (
        "spec.nodeCountLimit=2: the replicas have 1 nodes already, and another one needs 1; "
        "raise it, lower spec.replicas"
    )


def test_a_surge_beyond_the_node_count_limit_says_what_to_do() -> None:
    found = decide("O+ O+", 2, nodeCountLimit=2)
    assert found.creates == 0
    assert found.hold is not None
    assert found.hold.message.endswith("or set updateStrategy.rollingUpdate.maxSurge to 0")
    assert decide("O+ O+", 2, nodeCountLimit=2, **NO_SURGE).deletes == ("O+1",)


def test_an_idle_replica_goes_before_a_busy_one_and_unknown_counts_as_busy() -> None:
    busy = Replica(name="busy", serving=True, created="1", requests=7)
    idle = Replica(name="idle", serving=True, created="0", requests=0)
    unknown = Replica(name="unknown", serving=True, created="2")
    order = [replica.name for replica in deletion_order([busy, unknown, idle])]
    assert order == ["idle", "busy", "unknown"]


@pytest.mark.parametrize("wanted", range(4))
@pytest.mark.parametrize("strategy", [{}, rolling(maxSurge=2), NO_SURGE], ids=["1", "2", "0"])
@pytest.mark.parametrize("before", ["O+", "O- O+", "O+ O+ O+", "Ox O+", "O+ N- N+"])
def test_every_roll_out_ends_and_never_serves_less_than_allowed(
    before: str, strategy: dict[str, Any], wanted: int
) -> None:
    """Until nothing is done any more, one step a round: what was deleted goes, what was created
    serves."""
    spec = spec_of(inference_set(replicas=wanted, **strategy))
    present, made = replicas(before), 100
    least = wanted - bounds_of(spec).unavailable
    for _ in range(30):
        serving = sum(replica.serving for replica in present)
        step = decide_scaling(spec, present, NEW)
        kept = [replica for replica in present if replica.name not in step.deletes]
        if any(r.serving for r in present if r.name in step.deletes):
            assert sum(replica.serving for replica in kept) >= min(least, serving)
        assert len(present) + step.creates <= max(wanted + bounds_of(spec).surge, len(present))
        if not step.creates and not step.deletes and all(r.serving for r in kept):
            break
        starting = [
            Replica(name=f"made{made + n}", template_hash=NEW, created=str(made + n))
            for n in range(step.creates)
        ]
        made += step.creates
        served = [
            Replica(name=r.name, template_hash=NEW, created=r.created, serving=True)
            if r.template_hash == NEW
            else r
            for r in kept
        ]
        present = [*served, *starting]
    assert [replica.template_hash for replica in present] == [NEW] * wanted
