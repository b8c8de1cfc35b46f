"""The entries of GET /v1/models: all names that requests can use as their model. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.routing import ambiguous_names

ModelEntry = dict[str, Any]


def list_models(
    endpoints: Sequence[Endpoint], may_use: Callable[[Endpoint, str], bool] = lambda *_: True
) -> list[ModelEntry]:
    """Every name that a model-server answers to now, whether in a pod or at a front door.

    A name that requests cannot use, because several namespaces do, is left out, and so is one that
    the client may not use.
    """
    ambiguous = ambiguous_names(endpoints)
    entries: dict[str, ModelEntry] = {}
    for endpoint in endpoints:
        # An outlier answers for the names that it has alone.
        answers = endpoint.ready or endpoint.is_outlier
        for entry in _entries_of(endpoint) if answers else ():
            if entry["id"] not in ambiguous and may_use(endpoint, entry["id"]):
                # Several Workspaces may serve the same preset, which is listed once.
                entries.setdefault(entry["id"], entry)
    return sorted(entries.values(), key=lambda entry: str(entry["id"]))


def _entries_of(endpoint: Endpoint) -> Iterable[ModelEntry]:
    yield _entry(endpoint, endpoint.preset, root=endpoint.preset)
    for adapter in endpoint.adapters:
        yield _entry(endpoint, adapter.name, root=adapter.path, parent=endpoint.preset)
    # A Workspace's names mean its default model.
    if endpoint.address.workspace:
        for name in (endpoint.address.workspace, endpoint.address.label):
            yield _entry(endpoint, name, root=endpoint.preset)


def _entry(endpoint: Endpoint, name: str, root: str, parent: str | None = None) -> ModelEntry:
    model = endpoint.model
    return {
        "id": name,
        "object": "model",
        "created": model.loaded_unix_seconds if model else 0,
        "owned_by": "kaito",
        "root": root,
        "parent": parent,
        "max_model_len": model.max_length if model else None,
    }
