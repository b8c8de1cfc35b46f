"""The entries of GET /v1/models: everything that can be asked for by name. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from inference_gateway.fleet.target import Target

Entry = dict[str, Any]


def listed(targets: Sequence[Target], *, alone: bool) -> list[Entry]:
    """Presets and adapters of all ready model-servers, and, at a front door, their workspaces."""
    found: dict[str, Entry] = {}
    for entry in (entry for target in targets if target.ready for entry in _of(target, alone)):
        found.setdefault(entry["id"], entry)
    return sorted(found.values(), key=lambda entry: str(entry["id"]))


def _of(target: Target, alone: bool) -> Iterable[Entry]:
    yield _entry(target, target.preset, root=target.preset)
    for adapter in target.adapters:
        yield _entry(target, adapter.name, root=adapter.path, parent=target.preset)
    if not alone:
        yield _entry(target, target.place.label, root=target.preset)


def _entry(target: Target, name: str, root: str, parent: str | None = None) -> Entry:
    model = target.model
    return {
        "id": name,
        "object": "model",
        "created": model.loaded_unix_seconds if model else 0,
        "owned_by": "kaito",
        "root": root,
        "parent": parent,
        "max_model_len": model.max_length if model else None,
    }
