"""Which InferenceSets to reconcile when an object changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Key, Kind, Manifest, key_of
from kaito_kube.store import Store


@dataclass
class SetTriggers:
    """Listens to a store and enqueues InferenceSets: at each change of what users write, and at
    each change of one of their Workspaces. The set's own status, which a pass writes, is none."""

    store: Store
    enqueue: Callable[[Key], None]
    _seen: dict[Key, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store.add_listener(self._on_change)

    def _on_change(self, kind: Kind, manifest: Manifest) -> None:
        for key in self._keys_for(kind, manifest):
            self.enqueue(key)

    def _keys_for(self, kind: Kind, manifest: Manifest) -> Iterator[Key]:
        if kind is INFERENCE_SET:
            key, now = key_of(manifest), _user_fields(manifest)
            if self.store.get(INFERENCE_SET, key) is None:
                self._seen.pop(key, None)
            elif self._seen.get(key) != now:
                self._seen[key] = now
                yield key
        elif kind is WORKSPACE:
            yield from owners_of(manifest)


def owners_of(workspace: Manifest) -> Iterator[Key]:
    """The InferenceSet that controls the Workspace, if one does."""
    metadata = workspace["metadata"]
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller") and reference.get("kind") == INFERENCE_SET.kind:
            yield Key(metadata["namespace"], reference["name"])


def _user_fields(manifest: Manifest) -> Any:
    metadata = manifest["metadata"]
    return metadata.get("uid"), metadata.get("generation"), metadata.get("deletionTimestamp")
