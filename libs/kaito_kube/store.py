"""A store of the newest manifest of every object that was fed in, with indexes by label.

An informer, kopf or a test feeds it. Listeners get the object that changed and decide from the
whole store: nothing may depend on what kind of change it was.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kaito_kube.kinds import Key, Kind, Manifest, key_of, labels_of

# The index entry for objects without the label. NUL cannot occur in a label's value.
_UNLABELED = "\0"

Listener = Callable[[Kind, Manifest], None]
KindListener = Callable[[Kind], None]


class Store:
    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Key, Manifest]] = defaultdict(dict)
        self._by_label: dict[tuple[Kind, str], dict[str, set[Key]]] = {}
        self._listeners: list[Listener] = []
        self._kind_listeners: list[KindListener] = []
        self._synced: dict[Kind, asyncio.Event] = defaultdict(asyncio.Event)
        self._missing_kinds: set[Kind] = set()

    def index(self, kind: Kind, label: str) -> None:
        """Indexes the kind by that label: `select` then reads only the matching objects.

        Call it before the first object is fed in.
        """
        self._by_label[(kind, label)] = defaultdict(set)

    def add_listener(self, listener: Listener) -> None:
        """`listener` gets the manifest after each change, or the last one before a deletion."""
        self._listeners.append(listener)

    def add_kind_listener(self, listener: KindListener) -> None:
        """`listener` gets a kind that the cluster starts or stops serving."""
        self._kind_listeners.append(listener)

    def upsert(self, kind: Kind, manifest: Manifest) -> None:
        """Adds or updates an object. An older version than the stored one is ignored."""
        manifest = slim(manifest)
        key = key_of(manifest)
        before = self._objects[kind].get(key)
        if before is not None and not _is_newer(before, manifest):
            return
        self._reindex(kind, key, before, manifest)
        self._objects[kind][key] = manifest
        self._notify(kind, manifest)

    def remove(self, kind: Kind, key: Key) -> None:
        before = self._objects[kind].pop(key, None)
        if before is not None:
            self._reindex(kind, key, before, None)
            self._notify(kind, before)

    def replace_all(self, kind: Kind, manifests: Iterable[Manifest]) -> None:
        """Feeds in a complete listing: objects that are not in it are removed."""
        self._fill(kind, manifests)
        if kind in self._missing_kinds:
            self._missing_kinds.discard(kind)
            self._notify_kind(kind)

    def mark_kind_missing(self, kind: Kind) -> None:
        """Records that the cluster does not serve the kind, and removes its objects."""
        self._fill(kind, ())
        if kind not in self._missing_kinds:
            self._missing_kinds.add(kind)
            self._notify_kind(kind)

    def is_kind_served(self, kind: Kind) -> bool:
        """False only after the cluster reported that it does not serve the kind."""
        return kind not in self._missing_kinds

    def _fill(self, kind: Kind, manifests: Iterable[Manifest]) -> None:
        listed = {key_of(manifest): manifest for manifest in manifests}
        for key in [key for key in self._objects[kind] if key not in listed]:
            self.remove(kind, key)
        for manifest in listed.values():
            self.upsert(kind, manifest)
        self._synced[kind].set()

    def is_synced(self, kind: Kind) -> bool:
        """Whether a complete listing was fed in. Before that, a missing object means nothing."""
        return self._synced[kind].is_set()

    async def wait_until_synced(self, kinds: Iterable[Kind]) -> None:
        """Returns once each of the kinds is synced."""
        for kind in kinds:
            await self._synced[kind].wait()

    def get(self, kind: Kind, key: Key) -> Manifest | None:
        return self._objects[kind].get(key)

    def all(self, kind: Kind) -> list[Manifest]:
        return list(self._objects[kind].values())

    def keys(self, kind: Kind) -> list[Key]:
        return list(self._objects[kind])

    def select(self, kind: Kind, labels: Mapping[str, str], namespace: str = "") -> list[Manifest]:
        """Objects that carry all of these labels, of all namespaces by default."""
        return [
            manifest
            for manifest in self._candidates(kind, labels)
            if (not namespace or manifest["metadata"].get("namespace") == namespace)
            and all(labels_of(manifest).get(k) == v for k, v in labels.items())
        ]

    def without_label(self, kind: Kind, label: str) -> list[Manifest]:
        """Objects that do not carry the label at all."""
        index, objects = self._by_label.get((kind, label)), self._objects[kind]
        if index is None:
            return [item for item in objects.values() if label not in labels_of(item)]
        return [objects[key] for key in sorted(index.get(_UNLABELED, ()))]

    def _candidates(self, kind: Kind, labels: Mapping[str, str]) -> list[Manifest]:
        objects = self._objects[kind]
        for label, value in labels.items():
            if (index := self._by_label.get((kind, label))) is not None:
                # Sorted, because the order of a set differs from process to process.
                return [objects[key] for key in sorted(index.get(value, ()))]
        return list(objects.values())

    def _reindex(
        self, kind: Kind, key: Key, before: Manifest | None, after: Manifest | None
    ) -> None:
        for (indexed, label), index in self._by_label.items():
            if indexed is not kind:
                continue
            old = labels_of(before).get(label, _UNLABELED) if before else None
            new = labels_of(after).get(label, _UNLABELED) if after else None
            if old is not None:
                index[old].discard(key)
                if not index[old]:
                    del index[old]
            if new is not None:
                index[new].add(key)

    def _notify_kind(self, kind: Kind) -> None:
        for listener in self._kind_listeners:
            listener(kind)

    def _notify(self, kind: Kind, manifest: Manifest) -> None:
        for listener in self._listeners:
            listener(kind, manifest)


def slim(manifest: Manifest) -> Manifest:
    """Drops what no decision reads: managedFields and a Node's images, half of the memory."""
    metadata: dict[str, Any] = dict(manifest["metadata"])
    metadata.pop("managedFields", None)
    status = manifest.get("status")
    if isinstance(status, dict) and "images" in status:
        status = {key: value for key, value in status.items() if key != "images"}
        return {**manifest, "metadata": metadata, "status": status}
    return {**manifest, "metadata": metadata}


def _is_newer(before: Manifest, manifest: Manifest) -> bool:
    """Compares resource versions, which are ordered only within the life of one object (uid)."""
    old, new = before["metadata"], manifest["metadata"]
    was, is_ = old.get("resourceVersion"), new.get("resourceVersion")
    if was is None or is_ is None or old.get("uid") != new.get("uid"):
        return True
    # Formally opaque, but decimal in every API server; comparing them drops events that a watch
    # replays after a list.
    if str(was).isdecimal() and str(is_).isdecimal():
        return int(is_) > int(was)
    return bool(was != is_)
