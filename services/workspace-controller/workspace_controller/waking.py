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
    """Listens to a store. A node's heartbeat concerns nobody, nor does a Workspace's status,
    which follows from what is decided; what they are does."""

    def __init__(self, store: Store, wake: Callable[[Key], None]) -> None:
        self._store = store
        self._wake = wake
        self._faces: dict[tuple[Kind, Key], Any] = {}
        for kind in (kinds.NODE, *CHILD_KINDS):
            store.index(kind, labels.WORKSPACE)
        store.listen(self._changed)

    def _changed(self, kind: Kind, manifest: Manifest) -> None:
        for key in self._concerned(kind, manifest):
            self._wake(key)

    def _concerned(self, kind: Kind, manifest: Manifest) -> Iterator[Key]:
        if kind is kinds.WORKSPACE:
            if self._is_new(kind, manifest, _face_of_workspace(manifest)):
                yield key_of(manifest)
        elif (owner := key_of_owner(manifest)) is not None:
            if kind is not kinds.NODE or self._is_new(kind, manifest, _face_of_node(manifest)):
                yield owner
        elif kind is kinds.NODE and self._is_new(kind, manifest, _face_of_node(manifest)):
            yield from self._selecting(labels_of(manifest))

    def _selecting(self, has: dict[str, str]) -> Iterator[Key]:
        for workspace in self._store.all(kinds.WORKSPACE):
            spec, _ = read_spec(workspace)
            wanted = selector_labels(spec) if spec is not None else {}
            if wanted and all(has.get(key) == value for key, value in wanted.items()):
                yield key_of(workspace)

    def _is_new(self, kind: Kind, manifest: Manifest, face: Any) -> bool:
        """Whether the object looks different from when it was told of last, or is gone."""
        place = (kind, key_of(manifest))
        if self._store.get(*place) is None:
            self._faces.pop(place, None)
            return True
        same = self._faces.get(place) == face
        self._faces[place] = face
        return not same


def _face_of_workspace(workspace: Manifest) -> Any:
    metadata = workspace["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        metadata.get("annotations"),
        metadata.get("finalizers"),
        metadata.get("deletionTimestamp"),
    )


def _face_of_node(node: Manifest) -> Any:
    status = node.get("status") or {}
    ready = [c.get("status") for c in status.get("conditions") or () if c.get("type") == "Ready"]
    return (
        labels_of(node),
        ready,
        status.get("allocatable"),
        node["metadata"].get("deletionTimestamp"),
        (node.get("spec") or {}).get("unschedulable"),
    )
