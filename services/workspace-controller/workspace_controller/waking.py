"""Which Workspaces a change concerns. Tells keys, never what changed."""

from collections.abc import Callable, Iterator
from typing import Any

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Key, Kind, Manifest, key_of, labels_of
from kaito_kube.store import Store
from workspace_controller.observe import CLAIM_KINDS, key_of_owner, read_spec
from workspace_controller.plan.selecting import selector_labels

CHILD_KINDS = (
    kinds.JOB,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.SERVICE,
    kinds.POD,
    *CLAIM_KINDS,
)


class Waker:
    """Listens to a store. A node's heartbeat concerns nobody; what it is does."""

    def __init__(self, store: Store, wake: Callable[[Key], None]) -> None:
        self._store = store
        self._wake = wake
        self._nodes: dict[str, Any] = {}
        for kind in (kinds.NODE, *CHILD_KINDS):
            store.index(kind, labels.WORKSPACE)
        store.listen(self._changed)

    def _changed(self, kind: Kind, manifest: Manifest) -> None:
        if kind is kinds.WORKSPACE:
            self._wake(key_of(manifest))
        elif kind is kinds.NODE:
            for key in self._concerned(manifest):
                self._wake(key)
        elif (owner := key_of_owner(manifest)) is not None:
            self._wake(owner)

    def _concerned(self, node: Manifest) -> Iterator[Key]:
        name, face = node["metadata"]["name"], _face(node)
        if self._nodes.get(name) == face:
            if self._store.get(kinds.NODE, key_of(node)) is not None:
                return
            del self._nodes[name]
        else:
            self._nodes[name] = face
        owner = key_of_owner(node)
        if owner is not None:
            yield owner
            return
        has = labels_of(node)
        for workspace in self._store.all(kinds.WORKSPACE):
            spec, _ = read_spec(workspace)
            wanted = selector_labels(spec) if spec is not None else {}
            if wanted and all(has.get(key) == value for key, value in wanted.items()):
                yield key_of(workspace)


def _face(node: Manifest) -> Any:
    """What decisions read of a node."""
    status = node.get("status") or {}
    ready = [c.get("status") for c in status.get("conditions") or () if c.get("type") == "Ready"]
    return (
        tuple(sorted(labels_of(node).items())),
        tuple(ready),
        tuple(sorted((status.get("allocatable") or {}).items())),
        node["metadata"].get("deletionTimestamp"),
        (node.get("spec") or {}).get("unschedulable"),
    )
