"""Which Workspace uses which of the nodes that were created for none.

The statuses of the Workspaces record it. What a pass has decided counts from that moment, not only
once it is written: two concurrent passes must not reserve the same node.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kaito_kube.kinds import WORKSPACE, Key, Kind, Manifest, is_being_deleted, key_of
from kaito_kube.store import Store

_NONE: frozenset[str] = frozenset()


class NodeReservations:
    """An index of the statuses in a store, and the reservations of the passes in flight.

    Remembers nothing that a restart would lose: the index is rebuilt from the store, and a pass
    that is cut off has either written its reservation into a status or not used the node.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._in_flight: dict[Key, frozenset[str]] = {}
        # Both directions of the index, so that a pass looks only at the nodes it asks about.
        self._nodes: dict[Key, frozenset[str]] = {}
        self._workspaces: dict[str, set[Key]] = defaultdict(set)
        store.add_listener(self._changed)

    def reserved_by_others(self, workspace: Manifest, names: Iterable[str]) -> frozenset[str]:
        """Those of the named nodes that other Workspaces use."""
        return frozenset(name for name in names if self._is_reserved(workspace, name))

    @contextmanager
    def reserve(self, key: Key, names: Iterable[str]) -> Iterator[None]:
        """Reserves the nodes until the plan of the pass is executed."""
        self._in_flight[key] = frozenset(names)
        self._index(key)
        try:
            yield
        finally:
            del self._in_flight[key]
            self._index(key)

    def _is_reserved(self, workspace: Manifest, name: str) -> bool:
        """Whether another Workspace keeps the node.

        Two replicas can reserve the same node; the older Workspace keeps it then.
        """
        uses_it = name in worker_nodes_of(workspace)
        for key in self._workspaces.get(name, ()):
            other = self._store.get(WORKSPACE, key)
            if other is None or key == key_of(workspace) or is_being_deleted(other):
                continue
            if not uses_it or _age(other) < _age(workspace):
                return True
        return False

    def _changed(self, kind: Kind, manifest: Manifest) -> None:
        if kind is WORKSPACE:
            self._index(key_of(manifest))

    def _index(self, key: Key) -> None:
        workspace = self._store.get(WORKSPACE, key)
        recorded = worker_nodes_of(workspace) if workspace else _NONE
        now = self._in_flight.get(key, _NONE) | recorded
        before = self._nodes.pop(key, _NONE)
        for name in before - now:
            self._workspaces[name].discard(key)
            if not self._workspaces[name]:
                del self._workspaces[name]
        for name in now - before:
            self._workspaces[name].add(key)
        if now:
            self._nodes[key] = now


def worker_nodes_of(workspace: Manifest) -> frozenset[str]:
    """The nodes that the status of a Workspace names."""
    return frozenset((workspace.get("status") or {}).get("workerNodes") or ())


def _age(workspace: Manifest) -> tuple[str, str]:
    """Orders Workspaces from the oldest; the uid decides within the same second."""
    metadata = workspace["metadata"]
    return (str(metadata.get("creationTimestamp")), str(metadata["uid"]))
