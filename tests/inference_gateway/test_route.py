"""Which model-servers a name means."""

from typing import Any

import pytest

from inference_gateway.backends.backend import Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.errors import Problem, Refused
from inference_gateway.fleet.place import Place
from inference_gateway.fleet.route import candidates, names
from inference_gateway.fleet.target import Target
from inference_gateway.models import listed
from kaito.inference.v1 import inference_pb2 as pb

PHI, FALCON = "phi-3-mini-128k-instruct", "falcon-7b"


def target(
    namespace: str, workspace: str, model: str = PHI, *, adapter: str = "", **changes: Any
) -> Target:
    place = Place(namespace=namespace, workspace=workspace, model=model, address="127.0.0.1:1")
    adapters = (pb.Adapter(name=adapter, path=f"/mnt/adapters/{adapter}"),) if adapter else ()
    facts: dict[str, Any] = {
        "health": Health(serving=True),
        "model": pb.Model(name=model, max_length=4096, loaded_unix_seconds=7),
        "adapters": adapters,
    }
    return Target(
        place=place,
        backend=FakeBackend(),
        clock=lambda: 100.0,
        max_in_flight=8,
        **(facts | changes),
    )


TUNED = target("default", "tuned", adapter="dolly")
BASE = target("default", "base")
OTHER = target("team", "base", FALCON)
ALL = [TUNED, BASE, OTHER]


def refusal(name: str, targets: list[Target]) -> Problem:
    with pytest.raises(Refused) as caught:
        candidates(name, targets)
    return caught.value.problem


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tuned", [("default/tuned", "")]),
        ("default/base", [("default/base", "")]),
        ("team/base", [("team/base", "")]),
        (PHI, [("default/tuned", PHI), ("default/base", PHI)]),
        ("dolly", [("default/tuned", "dolly")]),
    ],
    ids="workspace placed placed-elsewhere preset adapter".split(),
)
def test_a_name_means(name: str, expected: list[tuple[str, str]]) -> None:
    found = candidates(name, ALL)
    assert [(each.target.place.label, each.served_model) for each in found] == expected


def test_no_name_means_the_only_workspace() -> None:
    assert candidates("", [TUNED])[0].target is TUNED
    assert refusal("", ALL).status == 400


def test_a_workspace_name_in_two_namespaces_is_ambiguous() -> None:
    problem = refusal("base", ALL)
    assert problem.code == "ambiguous_model"
    assert "default/base, team/base" in problem.message


def test_an_unknown_name_lists_what_there_is() -> None:
    problem = refusal("gpt-9", ALL)
    assert (problem.status, problem.code) == (404, "model_not_found")
    assert all(name in problem.message for name in names(ALL))


def test_the_least_busy_comes_first() -> None:
    busy = target("default", "busy", in_flight=3)
    idle = target("default", "idle")
    assert [each.target for each in candidates(PHI, [busy, idle])] == [idle, busy]


@pytest.mark.parametrize(
    "changes",
    [{"health": Health(serving=False, detail="loading")}, {"paused_until": 101.0}],
    ids=["not-serving", "unreachable"],
)
def test_who_is_not_ready_is_passed_over(changes: dict[str, Any]) -> None:
    down = target("default", "down", **changes)
    assert [each.target for each in candidates(PHI, [down, BASE])] == [BASE]
    problem = refusal("down", [down, BASE])
    assert problem.status == 503
    assert "default/down: " in problem.message


def test_models_are_the_union() -> None:
    ids = [entry["id"] for entry in listed(ALL, alone=False)]
    assert ids == ["default/base", "default/tuned", "dolly", FALCON, PHI, "team/base"]
    assert [entry["id"] for entry in listed([TUNED], alone=True)] == ["dolly", PHI]


def test_a_models_entry() -> None:
    dolly = listed([TUNED], alone=True)[0]
    assert dolly == {
        "id": "dolly",
        "object": "model",
        "created": 7,
        "owned_by": "kaito",
        "root": "/mnt/adapters/dolly",
        "parent": PHI,
        "max_model_len": 4096,
    }
