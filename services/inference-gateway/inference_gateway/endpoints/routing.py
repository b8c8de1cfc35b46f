"""Resolves a request's `model` to the endpoints that serve it. Pure: calls no endpoint.

A name is, in this order: empty (the only Workspace), namespace/workspace, a Workspace, a preset,
an adapter. A Workspace's name means its default model: the tuned one, if there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.errors import Problem, RequestRejected, unavailable, unknown_model


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """An endpoint that can answer, and the model name to send it. Empty means its default."""

    endpoint: Endpoint
    served_model: str


def find_matches(name: str, endpoints: Sequence[Endpoint]) -> list[RouteMatch]:
    """All ready endpoints that serve `name`, those with the fewest requests in flight first.

    Raises:
        RequestRejected: 404 for an unknown name, 400 for an ambiguous one, 503 when no endpoint
            that serves it is ready.
    """
    matches = _match(name, endpoints)
    if not matches:
        raise RequestRejected(unknown_model(name, model_names(endpoints)))
    ready = [match for match in matches if match.endpoint.ready]
    if not ready:
        raise RequestRejected(unavailable(_not_ready_message(name, matches)))
    return sorted(ready, key=lambda match: match.endpoint.in_flight)


def model_names(endpoints: Sequence[Endpoint]) -> list[str]:
    """Every unambiguous name that a request may use, sorted."""
    names = {endpoint.address.label for endpoint in endpoints if endpoint.address.workspace}
    names |= {endpoint.preset for endpoint in endpoints}
    names |= {adapter.name for endpoint in endpoints for adapter in endpoint.adapters}
    return sorted(names - {""})


def _match(name: str, endpoints: Sequence[Endpoint]) -> list[RouteMatch]:
    if not name:
        return _match_only_workspace(endpoints)
    of_workspace = [endpoint for endpoint in endpoints if endpoint.address.label == name]
    of_workspace = of_workspace or _find_workspace(name, endpoints)
    if of_workspace:
        return [RouteMatch(endpoint, "") for endpoint in of_workspace]
    return [
        RouteMatch(endpoint, name)
        for endpoint in endpoints
        if name == endpoint.preset or any(name == adapter.name for adapter in endpoint.adapters)
    ]


def _match_only_workspace(endpoints: Sequence[Endpoint]) -> list[RouteMatch]:
    if len({endpoint.address.label for endpoint in endpoints}) > 1:
        raise RequestRejected(
            Problem(
                status=400,
                message="several models are served here; set 'model' to one of: "
                f"{', '.join(model_names(endpoints))}",
                param="model",
                code="missing_required_parameter",
            )
        )
    return [RouteMatch(endpoint, "") for endpoint in endpoints]


def _find_workspace(name: str, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    found = [endpoint for endpoint in endpoints if endpoint.address.workspace == name]
    labels = sorted({endpoint.address.label for endpoint in found})
    if len(labels) > 1:
        raise RequestRejected(
            Problem(
                status=400,
                message=f"workspace {name!r} exists in several namespaces; "
                f"set 'model' to one of: {', '.join(labels)}",
                param="model",
                code="ambiguous_model",
            )
        )
    return found


def _not_ready_message(name: str, matches: Sequence[RouteMatch]) -> str:
    reasons = "; ".join(
        f"{match.endpoint.address.label}: "
        + (match.endpoint.health.detail if not match.endpoint.health.serving else "unreachable")
        for match in matches
    )
    return f"{name or 'the model'} is not ready: {reasons}"
