"""Resolves a request's `model` to the endpoints that serve it. Pure: calls no endpoint.

A name is, in this order: empty (the only Workspace), namespace/workspace, a Workspace, a preset,
an adapter. A Workspace's name means its default model: the tuned one, if there is one.

Namespaces are tenants. A name that several namespaces use is rejected, whatever it names in each of
them: only namespace/workspace, or a path that names both, may choose between tenants.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference_gateway.endpoints.affinity import Load, affinity_key, order
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.errors import (
    NotReady,
    Problem,
    RequestRejected,
    unavailable,
    unknown_model,
)

# What huggingface_hub's client sends as the model of a chat if it has nothing but an address.
_PLACEHOLDER = "dummy"


# The beginning of a request's prompt, read only where it makes a difference.
PromptStart = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """An endpoint that can answer, and the model name to send it. Empty means its default."""

    endpoint: Endpoint
    served_model: str


def no_prompt() -> bytes:
    """The beginning of a request that no cache could know."""
    return b""


def find_matches(
    name: str,
    endpoints: Sequence[Endpoint],
    unknown: Sequence[Endpoint] = (),
    prompt: PromptStart = no_prompt,
) -> list[RouteMatch]:
    """All ready endpoints that serve `name`, the best first.

    The best is the one that the prompt belongs to, as far as loads allow; without a prompt, the one
    with the fewest requests in flight.

    Raises:
        RequestRejected: 404 for a name that does not exist, 400 for an ambiguous one.
        NotReady: no endpoint that serves it is ready.
    """
    matches = find_all(name, endpoints, unknown)
    ready = [match for match in matches if match.endpoint.ready]
    # Bad answers are better than none, once the others have gone.
    ready = ready or [match for match in matches if match.endpoint.is_outlier]
    if not ready:
        raise NotReady(unavailable(_not_ready_message(name, matches)))
    return _best_first(ready, prompt)


def _best_first(matches: list[RouteMatch], prompt: PromptStart) -> list[RouteMatch]:
    if len(matches) == 1:
        return matches
    if start := prompt():
        key = affinity_key(matches[0].served_model, start)
        loads = [Load(each.endpoint.address.target, each.endpoint.in_flight) for each in matches]
        return [matches[index] for index in order(key, loads)]
    return sorted(matches, key=lambda match: match.endpoint.in_flight)


def find_all(
    name: str, endpoints: Sequence[Endpoint], unknown: Sequence[Endpoint] = ()
) -> list[RouteMatch]:
    """All endpoints that serve `name`, ready or not; at least one.

    A name that none of them has may be an adapter's of one that is `unknown` yet, so it is theirs.

    Raises:
        RequestRejected: as `find_matches`.
    """
    matches = _match(name, endpoints)
    if not matches:
        matches = [RouteMatch(endpoint, name) for endpoint in unknown]
    if not matches:
        raise RequestRejected(unknown_model(name, model_names(endpoints)))
    return matches


def requested_name(name: str, endpoints: Sequence[Endpoint]) -> str:
    """The name that the client means: empty for a placeholder that no endpoint has as a name."""
    if name != _PLACEHOLDER:
        return name
    names = {each for endpoint in endpoints for each in _names_without_namespace(endpoint)}
    return name if name in names else ""


def model_names(endpoints: Sequence[Endpoint]) -> list[str]:
    """Every namespace/workspace, and every unambiguous preset and adapter, sorted."""
    names = {endpoint.preset for endpoint in endpoints}
    names |= {adapter.name for endpoint in endpoints for adapter in endpoint.adapters}
    names -= ambiguous_names(endpoints)
    names |= {endpoint.address.label for endpoint in endpoints if endpoint.address.workspace}
    return sorted(names - {""})


def ambiguous_names(endpoints: Sequence[Endpoint]) -> set[str]:
    """The names that endpoints of several namespaces use, ready or not."""
    namespaces: dict[str, set[str]] = defaultdict(set)
    for endpoint in endpoints:
        for name in _names_without_namespace(endpoint):
            namespaces[name].add(endpoint.address.namespace)
    return {name for name, users in namespaces.items() if len(users) > 1}


def _names_without_namespace(endpoint: Endpoint) -> set[str]:
    adapters = {adapter.name for adapter in endpoint.adapters}
    return {endpoint.address.workspace, endpoint.preset, *adapters} - {""}


def _match(name: str, endpoints: Sequence[Endpoint]) -> list[RouteMatch]:
    if not name:
        return _match_only_workspace(endpoints)
    labeled = [endpoint for endpoint in endpoints if endpoint.address.label == name]
    if labeled:
        return [RouteMatch(endpoint, "") for endpoint in labeled]
    named = [endpoint for endpoint in endpoints if name in _names_without_namespace(endpoint)]
    _reject_several_namespaces(name, named)
    of_workspace = [endpoint for endpoint in named if endpoint.address.workspace == name]
    if of_workspace:
        return [RouteMatch(endpoint, "") for endpoint in of_workspace]
    return [RouteMatch(endpoint, name) for endpoint in named]


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


def _reject_several_namespaces(name: str, endpoints: Sequence[Endpoint]) -> None:
    if len({endpoint.address.namespace for endpoint in endpoints}) < 2:
        return
    labels = sorted({endpoint.address.label for endpoint in endpoints})
    raise RequestRejected(
        Problem(
            # Not 409: OpenAI's clients retry a 409, and no retry makes the name unique.
            status=400,
            message=f"model {name!r} exists in several namespaces; set 'model' to one of: "
            f"{', '.join(labels)}; or keep 'model' and send the request below "
            "/workspaces/{namespace}/{workspace}",
            param="model",
            code="ambiguous_model",
        )
    )


def _not_ready_message(name: str, matches: Sequence[RouteMatch]) -> str:
    reasons = "; ".join(
        f"{match.endpoint.address.label}: " + match.endpoint.not_ready_reason for match in matches
    )
    return f"{name or 'the model'} is not ready: {reasons}"
