"""Which Workspaces a change concerns. Tells keys, never what changed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Key, Kind, Manifest, is_being_deleted, key_of, labels_of
from kaito_kube.store import Store
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.manifests.metadata import workspace_key_of
from workspace_controller.node_reservations import worker_nodes_of
from workspace_controller.plan.spec import parse_spec, selector_labels

CHILD_KINDS = (
    kinds.JOB,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.SERVICE,
    kinds.POD,
    *CLAIM_KINDS,
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A Workspace as it was told of last: what the user wrote, which nodes it wants, and which
    it takes."""

    face: Any
    wanted: Mapping[str, str]
    takes: frozenset[str]


_NOTHING = _Seen(None, {}, frozenset())


class Waker:
    """Listens to a store. A node's heartbeat concerns nobody, nor does a Workspace's status,
    which follows from what is decided; what they are does."""

    def __init__(self, store: Store, wake: Callable[[Key], None]) -> None:
        self._store = store
        self._wake = wake
        self._workspaces: dict[Key, _Seen] = {}
        self._nodes: dict[Key, Manifest] = {}
        for kind in (kinds.NODE, *CHILD_KINDS):
            store.index(kind, labels.WORKSPACE)
        store.add_listener(self._changed)
        store.add_kind_listener(self._kind_changed)

    def _changed(self, kind: Kind, manifest: Manifest) -> None:
        for key in self._concerned(kind, manifest):
            self._wake(key)

    def _kind_changed(self, kind: Kind) -> None:
        """Whoever waits for a provisioner need not ask for it again and again."""
        if kind in CLAIM_KINDS:
            for key in self._workspaces:
                self._wake(key)

    def _concerned(self, kind: Kind, manifest: Manifest) -> Iterator[Key]:
        if kind is kinds.WORKSPACE:
            yield from self._by_workspace(manifest)
        elif kind is kinds.NODE:
            yield from self._by_node(manifest)
        elif (owner := workspace_key_of(manifest)) is not None:
            yield owner

    def _by_workspace(self, manifest: Manifest) -> Iterator[Key]:
        """Itself, those who may want a node that it gives up, and who takes the same one."""
        key = key_of(manifest)
        before = self._workspaces.pop(key, _NOTHING)
        gone = self._store.get(kinds.WORKSPACE, key) is None
        now = _NOTHING if gone else _see(manifest, before)
        if not gone:
            self._workspaces[key] = now
        if now.face != before.face:
            yield key
        for name in before.takes - now.takes:
            node = self._store.get(kinds.NODE, Key("", name))
            if node is not None and workspace_key_of(node) is None:
                yield from (other for other in self._wanting(labels_of(node)) if other != key)
        for name in now.takes - before.takes:
            for other, seen in self._workspaces.items():
                if name in seen.takes and other != key:
                    yield other

    def _by_node(self, manifest: Manifest) -> Iterator[Key]:
        """Those whom it concerns as it is, and whom it concerned as it was."""
        key = key_of(manifest)
        before, now = self._nodes.pop(key, None), self._store.get(kinds.NODE, key)
        if now is not None:
            self._nodes[key] = now
        if before is not None and now is not None and _face_of_node(before) == _face_of_node(now):
            return
        for node in (before, now):
            if node is not None and (owner := workspace_key_of(node)) is not None:
                yield owner
            elif node is not None:
                yield from self._wanting(labels_of(node))

    def _wanting(self, has: Mapping[str, str]) -> Iterator[Key]:
        for key, seen in self._workspaces.items():
            if seen.wanted and all(has.get(name) == value for name, value in seen.wanted.items()):
                yield key


def _see(workspace: Manifest, before: _Seen) -> _Seen:
    face = _face_of_workspace(workspace)
    takes = frozenset[str]() if is_being_deleted(workspace) else worker_nodes_of(workspace)
    return _Seen(face, before.wanted if face == before.face else _wanted(workspace), takes)


def _wanted(workspace: Manifest) -> Mapping[str, str]:
    spec, _ = parse_spec(workspace)
    return selector_labels(spec) if spec is not None else {}


def _face_of_workspace(workspace: Manifest) -> Any:
    """What others write: the finalizer is the controller's own."""
    metadata = workspace["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        metadata.get("annotations"),
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
