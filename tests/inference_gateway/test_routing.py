"""Which endpoints a model name resolves to."""

from typing import Any

import pytest

from inference_gateway.backends.backend import Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.routing import find_matches, model_names, requested_name
from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.model_list import list_models
from kaito.inference.v1 import inference_pb2 as pb

PHI, FALCON = "phi-3-mini-128k-instruct", "falcon-7b"


def endpoint(
    namespace: str, workspace: str, model: str = PHI, *, adapter: str = "", **changes: Any
) -> Endpoint:
    address = EndpointAddress(
        namespace=namespace, workspace=workspace, model=model, target="127.0.0.1:1"
    )
    adapters = (pb.Adapter(name=adapter, path=f"/mnt/adapters/{adapter}"),) if adapter else ()
    state: dict[str, Any] = {
        "health": Health(serving=True),
        "model": pb.Model(name=model, max_length=4096, loaded_unix_seconds=7),
        "adapters": adapters,
    }
    return Endpoint(
        address=address,
        backend=FakeBackend(),
        clock=lambda: 100.0,
        max_in_flight=8,
        **(state | changes),
    )


TUNED = endpoint("default", "tuned", adapter="dolly")
BASE = endpoint("default", "base")
OTHER = endpoint("team", "base", FALCON)
ALL = [TUNED, BASE, OTHER]


def rejection(name: str, endpoints: list[Endpoint]) -> Problem:
    with pytest.raises(RequestRejected) as caught:
        find_matches(name, endpoints)
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
def test_name_resolves_to(name: str, expected: list[tuple[str, str]]) -> None:
    found = find_matches(name, ALL)
    assert [(each.endpoint.address.label, each.served_model) for each in found] == expected


def test_empty_name_means_the_only_workspace() -> None:
    assert find_matches("", [TUNED])[0].endpoint is TUNED
    assert rejection("", ALL).status == 400


def test_workspace_name_in_two_namespaces_is_ambiguous() -> None:
    problem = rejection("base", ALL)
    assert problem.code == "ambiguous_model"
    assert "default/base, team/base" in problem.message


@pytest.mark.parametrize(
    ("name", "endpoints"),
    [
        ("style", [endpoint("a", "x", adapter="style"), endpoint("b", "y", adapter="style")]),
        (PHI, [endpoint("a", "x"), endpoint("b", "y")]),
        ("x", [endpoint("a", "x"), endpoint("b", "x"), endpoint("b", "y")]),
        ("style", [endpoint("a", "style"), endpoint("b", "y", adapter="style")]),
        (FALCON, [endpoint("a", "x", FALCON), endpoint("b", FALCON)]),
    ],
    ids="adapter preset workspace workspace-and-adapter preset-and-workspace".split(),
)
def test_name_of_several_namespaces_is_rejected(name: str, endpoints: list[Endpoint]) -> None:
    users = endpoints[:2]
    problem = rejection(name, endpoints)
    assert (problem.status, problem.code, problem.param) == (400, "ambiguous_model", "model")
    labels = [each.address.label for each in users]
    assert ", ".join(sorted(labels)) in problem.message
    assert name not in model_names(endpoints)
    assert name not in [entry["id"] for entry in list_models(endpoints)]
    for each in users:
        assert [match.endpoint for match in find_matches(each.address.label, endpoints)] == [each]


def test_name_is_ambiguous_while_one_of_its_namespaces_is_not_ready() -> None:
    ready = endpoint("a", "x", adapter="style")
    down = endpoint("b", "y", adapter="style", health=Health(serving=False, detail="loading"))
    assert rejection("style", [ready, down]).code == "ambiguous_model"


def test_name_of_one_namespace_is_balanced_beside_other_namespaces() -> None:
    one, two = (endpoint("a", name, adapter="style") for name in ("one", "two"))
    other = endpoint("b", "other", FALCON, adapter="tone")
    assert [each.endpoint for each in find_matches("style", [one, other, two])] == [one, two]


def test_unknown_name_lists_the_known_ones() -> None:
    problem = rejection("gpt-9", ALL)
    assert (problem.status, problem.code) == (404, "model_not_found")
    assert all(name in problem.message for name in model_names(ALL))


def test_fewest_requests_in_flight_comes_first() -> None:
    busy = endpoint("default", "busy", in_flight=3)
    idle = endpoint("default", "idle")
    assert [each.endpoint for each in find_matches(PHI, [busy, idle])] == [idle, busy]


@pytest.mark.parametrize(
    "changes",
    [{"health": Health(serving=False, detail="loading")}, {"ejected_until": 101.0}],
    ids=["not-serving", "unreachable"],
)
def test_endpoint_that_is_not_ready_is_skipped(changes: dict[str, Any]) -> None:
    down = endpoint("default", "down", **changes)
    assert [each.endpoint for each in find_matches(PHI, [down, BASE])] == [BASE]
    problem = rejection("down", [down, BASE])
    assert problem.status == 503
    assert "default/down: " in problem.message


def test_model_list_is_the_union() -> None:
    ids = [entry["id"] for entry in list_models(ALL)]
    # "base" is left out, since it is the name of Workspaces of two namespaces.
    assert ids == ["default/base", "default/tuned", "dolly", FALCON, PHI, "team/base", "tuned"]
    assert [entry["id"] for entry in list_models([TUNED])] == [
        "default/tuned",
        "dolly",
        PHI,
        "tuned",
    ]


@pytest.mark.parametrize("endpoints", [ALL, [TUNED], [BASE, OTHER]])
def test_every_listed_name_is_answered_and_every_answered_name_is_listed(
    endpoints: list[Endpoint],
) -> None:
    listed = {entry["id"] for entry in list_models(endpoints)}
    for name in listed:
        assert find_matches(name, endpoints)
    for name in {"base", "tuned", "dolly", PHI, FALCON, "default/base", "team/base"} - listed:
        assert rejection(name, endpoints).status in (400, 404)


def test_model_list_entry() -> None:
    dolly = list_models([TUNED])[1]
    assert dolly == {
        "id": "dolly",
        "object": "model",
        "created": 7,
        "owned_by": "kaito",
        "root": "/mnt/adapters/dolly",
        "parent": PHI,
        "max_model_len": 4096,
    }


@pytest.mark.parametrize(
    ("name", "endpoints", "requested"),
    [
        ("dummy", [TUNED], ""),
        ("dummy", [endpoint("default", "x", adapter="dummy")], "dummy"),
        ("dolly", [TUNED], "dolly"),
        ("unknown", [TUNED], "unknown"),
    ],
    ids="placeholder its-own-name known unknown".split(),
)
def test_placeholder_of_huggingface_hub_means_the_default(
    name: str, endpoints: list[Endpoint], requested: str
) -> None:
    assert requested_name(name, endpoints) == requested
