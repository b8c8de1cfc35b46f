"""Which Workspaces to reconcile when an object changes.

As controller-runtime's EnqueueRequestsFromMapFunc does, it maps an object to keys and enqueues
them. It says nothing about the change: a pass observes for itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Key, Kind, Manifest, is_being_deleted, key_of, labels_of
from kaito_kube.store import Store
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.manifests.metadata import workspace_key_of
from workspace_controller.manifests.queue import queue_labels
from workspace_controller.namespace_budgets import limits_of
from workspace_controller.node_reservations import worker_nodes_of
from workspace_controller.plan.serving.adapters.adapter_sources import named_workspaces
from workspace_controller.plan.spec import parse_spec, selector_labels

CHILD_KINDS = (
    kinds.JOB,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.SERVICE,
    kinds.NETWORK_POLICY,
    kinds.POD,
    *CLAIM_KINDS,
)


@dataclass(frozen=True, slots=True)
class _WorkspaceState:
    """What matters of a Workspace at its last event: what users write, the labels of the nodes
    that it can use, the names of the nodes that it has reserved, the adapter that it has tuned, and
    the Workspaces whose adapters it serves."""

    user_fields: Any
    node_labels: Mapping[str, str]
    reserved: frozenset[str]
    adapter: Any = None
    sources: frozenset[str] = frozenset()


_ABSENT = _WorkspaceState(None, {}, frozenset())


class Triggers:
    """Listens to a store and enqueues Workspaces.

    A node's heartbeat enqueues nothing, and neither does a Workspace's status, which is what a
    pass writes: an idle cluster causes no work.
    """

    def __init__(self, store: Store, enqueue: Callable[[Key], None]) -> None:
        self._store = store
        self._enqueue = enqueue
        self._workspaces: dict[Key, _WorkspaceState] = {}
        self._nodes: dict[Key, Manifest] = {}
        self._limits: dict[str, dict[str, str]] = {}
        for kind in (kinds.NODE, *CHILD_KINDS):
            store.index(kind, labels.WORKSPACE)
        store.add_listener(self._on_change)
        store.add_kind_listener(self._on_kind_change)

    def _on_change(self, kind: Kind, manifest: Manifest) -> None:
        for key in self._keys_for(kind, manifest):
            self._enqueue(key)

    def _on_kind_change(self, kind: Kind) -> None:
        """A provisioner's CRDs appear or disappear. Workspaces that wait for one do not poll."""
        if kind in CLAIM_KINDS:
            for key in self._workspaces:
                self._enqueue(key)

    def _keys_for(self, kind: Kind, manifest: Manifest) -> Iterator[Key]:
        if kind is kinds.WORKSPACE:
            yield from self._keys_for_workspace(manifest)
        elif kind is kinds.NAMESPACE:
            yield from self._keys_for_namespace(manifest)
        elif kind is kinds.NODE:
            yield from self._keys_for_node(manifest)
        elif (owner := workspace_key_of(manifest)) is not None:
            yield owner

    def _keys_for_workspace(self, manifest: Manifest) -> Iterator[Key]:
        """The Workspace itself, those that can use a node that it has released, those that have
        reserved the same node, and those that serve its adapter."""
        key = key_of(manifest)
        before = self._workspaces.pop(key, _ABSENT)
        deleted = self._store.get(kinds.WORKSPACE, key) is None
        now = _ABSENT if deleted else _state_of(manifest, before)
        if not deleted:
            self._workspaces[key] = now
        if now.user_fields != before.user_fields:
            yield key
        if (now.user_fields, now.adapter) != (before.user_fields, before.adapter):
            for other, state in self._workspaces.items():
                if key.name in state.sources and other.namespace == key.namespace:
                    yield other
        for name in before.reserved - now.reserved:
            node = self._store.get(kinds.NODE, Key("", name))
            if node is not None and workspace_key_of(node) is None:
                yield from (other for other in self._matching(labels_of(node)) if other != key)
        for name in now.reserved - before.reserved:
            for other, state in self._workspaces.items():
                if name in state.reserved and other != key:
                    yield other

    def _keys_for_namespace(self, manifest: Manifest) -> Iterator[Key]:
        """Its Workspaces, where the limit of what they may cost has changed."""
        name = manifest["metadata"]["name"]
        before = self._limits.pop(name, {})
        now = limits_of(self._store.get(kinds.NAMESPACE, Key("", name)))
        if now:
            self._limits[name] = now
        if now != before:
            yield from (key for key in self._workspaces if key.namespace == name)

    def _keys_for_node(self, manifest: Manifest) -> Iterator[Key]:
        """Its owner or those whose selector it matches, both before and after the change."""
        key = key_of(manifest)
        before, now = self._nodes.pop(key, None), self._store.get(kinds.NODE, key)
        if now is not None:
            self._nodes[key] = now
        if before is not None and now is not None and _node_fields(before) == _node_fields(now):
            return
        for node in (before, now):
            if node is not None and (owner := workspace_key_of(node)) is not None:
                yield owner
            elif node is not None:
                yield from self._matching(labels_of(node))

    def _matching(self, node_labels: Mapping[str, str]) -> Iterator[Key]:
        """Workspaces whose selector matches the labels. One without a selector matches no node."""
        for key, state in self._workspaces.items():
            wanted = state.node_labels
            if wanted and all(node_labels.get(name) == value for name, value in wanted.items()):
                yield key


def _state_of(workspace: Manifest, before: _WorkspaceState) -> _WorkspaceState:
    user_fields = _user_fields(workspace)
    reserved = frozenset[str]() if is_being_deleted(workspace) else worker_nodes_of(workspace)
    # Reading the spec validates all of it, which a change of the status alone does not deserve.
    if user_fields == before.user_fields:
        node_labels, sources = before.node_labels, before.sources
    else:
        spec, _ = parse_spec(workspace)
        node_labels = selector_labels(spec) if spec is not None else {}
        sources = named_workspaces(spec)
    adapter = (workspace.get("status") or {}).get("adapter")
    return _WorkspaceState(user_fields, node_labels, reserved, adapter, sources)


def _user_fields(workspace: Manifest) -> Any:
    """What others than the controller write. The finalizer is missing: it is the controller's."""
    metadata = workspace["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        metadata.get("annotations"),
        queue_labels(workspace),
        metadata.get("deletionTimestamp"),
    )


def _node_fields(node: Manifest) -> Any:
    """What decisions read of a node. Its heartbeat times are missing."""
    status = node.get("status") or {}
    ready = [c.get("status") for c in status.get("conditions") or () if c.get("type") == "Ready"]
    return (
        labels_of(node),
        ready,
        status.get("allocatable"),
        node["metadata"].get("deletionTimestamp"),
        (node.get("spec") or {}).get("unschedulable"),
    )
