"""Which Workspace uses which of the nodes that were made for none.

Their statuses tell it. What a pass has decided counts from that moment on, and not only once it is
written: two passes at once do not take the same node.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kaito_kube.kinds import WORKSPACE, Key, Kind, Manifest, is_being_deleted, key_of
from kaito_kube.store import Store

_NONE: frozenset[str] = frozenset()


class NodeReservations:
    """Listens to a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._decided: dict[Key, frozenset[str]] = {}
        self._indexed: dict[Key, frozenset[str]] = {}
        self._holders: dict[str, set[Key]] = defaultdict(set)
        store.add_listener(self._changed)

    def reserved_by_others(self, workspace: Manifest, names: Iterable[str]) -> frozenset[str]:
        """Those of the nodes that other Workspaces keep."""
        return frozenset(name for name in names if self._is_kept(workspace, name))

    @contextmanager
    def reserve(self, key: Key, names: Iterable[str]) -> Iterator[None]:
        """The Workspace holds these too, until what was decided is carried out."""
        self._decided[key] = frozenset(names)
        self._index(key)
        try:
            yield
        finally:
            del self._decided[key]
            self._index(key)

    def _is_kept(self, workspace: Manifest, name: str) -> bool:
        """Of two that took the same, as two replicas may, the older one keeps it."""
        mine = name in worker_nodes_of(workspace)
        for key in self._holders.get(name, ()):
            other = self._store.get(WORKSPACE, key)
            if other is None or key == key_of(workspace) or is_being_deleted(other):
                continue
            if not mine or _age(other) < _age(workspace):
                return True
        return False

    def _changed(self, kind: Kind, manifest: Manifest) -> None:
        if kind is WORKSPACE:
            self._index(key_of(manifest))

    def _index(self, key: Key) -> None:
        workspace = self._store.get(WORKSPACE, key)
        now = self._decided.get(key, _NONE) | (worker_nodes_of(workspace) if workspace else _NONE)
        before = self._indexed.pop(key, _NONE)
        for name in before - now:
            self._holders[name].discard(key)
            if not self._holders[name]:
                del self._holders[name]
        for name in now - before:
            self._holders[name].add(key)
        if now:
            self._indexed[key] = now


def worker_nodes_of(workspace: Manifest) -> frozenset[str]:
    """The nodes that a Workspace's status names."""
    return frozenset((workspace.get("status") or {}).get("workerNodes") or ())


def _age(workspace: Manifest) -> tuple[str, str]:
    metadata = workspace["metadata"]
    return (str(metadata.get("creationTimestamp")), str(metadata["uid"]))
