"""An in-memory API server behind the `Cluster` seam: versions, finalizers, owners, watches.

It records every call, and tests can make the next call fail.
"""

import asyncio
import uuid
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from kaito_api.conditions import rfc3339
from kaito_kube import errors
from kaito_kube.clock import Clock, FakeClock
from kaito_kube.cluster import Listing, WatchEvent
from kaito_kube.kinds import (
    DEPLOYMENT,
    POD,
    Key,
    Kind,
    Manifest,
    annotations_of,
    key_of,
    labels_of,
)

Value = TypeVar("Value")

_SERVER_FIELDS = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")


@dataclass(frozen=True, slots=True)
class Call:
    verb: str
    kind: Kind
    key: Key
    body: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A change, and the cluster's version after it."""

    version: int
    kind: Kind
    change: WatchEvent


@dataclass
class FakeCluster:
    """`hook` runs before each call takes effect and may raise a ClusterError. Watches end after
    `watch_seconds`, as those of an API server do; None keeps them open."""

    clock: Clock = field(default_factory=FakeClock)
    hook: Callable[[Call], None] | None = None
    calls: list[Call] = field(default_factory=list)
    missing_kinds: set[Kind] = field(default_factory=set)
    watch_seconds: float | None = None
    _objects: dict[Kind, dict[Key, Manifest]] = field(default_factory=lambda: defaultdict(dict))
    _version: int = 0
    _uids: int = 0
    _errors: deque[tuple[str, Kind | None, Exception]] = field(default_factory=deque)
    _history: dict[Kind, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _listeners: list[Callable[[Event], None]] = field(default_factory=list)

    def fail_next(self, verb: str, error: Exception, kind: Kind | None = None) -> None:
        """Makes the next call of that verb (and kind) raise `error` without any effect."""
        self._errors.append((verb, kind, error))

    def seed(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Stores an object, including its status, as if another client had created it."""
        return deep_copy(self._store(kind, self._with_server_fields(deep_copy(manifest)), "ADDED"))

    def change(self, kind: Kind, key: Key, patch: Manifest | None) -> None:
        """Applies another client's merge patch, including status; None deletes the object."""
        before = self._existing(kind, key)
        if patch is None:
            self._remove(kind, before)
        else:
            self._update(kind, before, merge_patch(before, patch))

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Calls `listener` with every change. Returns a function that removes the listener."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def since(self, kind: Kind, version: int) -> Sequence[Event]:
        """The changes after that version, in order."""
        events = self._history[kind]
        return events[bisect_right(events, version, key=lambda event: event.version) :]

    @property
    def version(self) -> int:
        """Increases with every change of any object."""
        return self._version

    def peek(self, kind: Kind, name: str, namespace: str = "") -> Manifest | None:
        return deep_copy(self._objects[kind].get(Key(namespace, name)))

    def objects(self, kind: Kind) -> list[Manifest]:
        return deep_copy(list(self._objects[kind].values()))

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        self._begin(Call("get", kind, Key(namespace, name)))
        return deep_copy(self._existing(kind, Key(namespace, name)))

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        self._begin(Call("list", kind, Key(namespace, "")))
        items = [
            deep_copy(item)
            for key, item in self._objects[kind].items()
            if (not namespace or key.namespace == namespace)
            and matches(item, labels)
            and all(_field(item, path) == value for path, value in (fields or {}).items())
        ]
        return Listing(items, str(self._version))

    async def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        self._begin(Call("watch", kind, Key("", "")))
        queue: asyncio.Queue[Event] = asyncio.Queue()
        for event in self.since(kind, int(resource_version)):
            queue.put_nowait(event)
        stop = self.listen(queue.put_nowait)
        end = None if self.watch_seconds is None else _loop_time() + self.watch_seconds
        try:
            while True:
                async with asyncio.timeout_at(end):
                    event = await queue.get()
                if event.kind == kind and matches(event.change.manifest, labels):
                    yield event.change
        except TimeoutError:
            return
        finally:
            stop()

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._begin(Call("create", kind, key_of(manifest), manifest))
        if key_of(manifest) in self._objects[kind]:
            raise errors.AlreadyExists(f"{kind.plural} {key_of(manifest)} already exists")
        created = self._with_server_fields(
            _typed(kind, {k: v for k, v in manifest.items() if k != "status"})
        )
        return deep_copy(self._store(kind, created, "ADDED"))

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._begin(Call("apply", kind, key_of(manifest), manifest))
        before = self._objects[kind].get(key_of(manifest))
        if before is None:
            return deep_copy(
                self._store(kind, self._with_server_fields(_typed(kind, manifest)), "ADDED")
            )
        return deep_copy(self._update(kind, before, merge_patch(before, manifest)))

    async def patch(
        self,
        kind: Kind,
        name: str,
        patch: Manifest,
        *,
        namespace: str = "",
        subresource: Literal["", "status"] = "",
    ) -> Manifest:
        key = Key(namespace, name)
        self._begin(Call(f"patch {subresource}".strip(), kind, key, patch))
        before = self._existing(kind, key)
        version = (patch.get("metadata") or {}).get("resourceVersion")
        if version not in (None, before["metadata"]["resourceVersion"]):
            raise errors.Conflict(f"{kind.plural} {key} was modified")
        allowed = {k: v for k, v in patch.items() if (k == "status") == bool(subresource)}
        return deep_copy(self._update(kind, before, merge_patch(before, allowed)))

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        body = None if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        self._begin(Call("delete", kind, Key(namespace, name), body))
        before = self._existing(kind, Key(namespace, name))
        if before["metadata"].get("deletionTimestamp") is None:
            after = merge_patch(
                before, {"metadata": {"deletionTimestamp": rfc3339(self.clock.now())}}
            )
            self._update(kind, before, after)

    async def evict(self, name: str, namespace: str) -> None:
        self._begin(Call("evict", POD, Key(namespace, name)))
        self._remove(POD, self._existing(POD, Key(namespace, name)))

    def _begin(self, call: Call) -> None:
        self.calls.append(call)
        if self.hook is not None:
            self.hook(call)
        for index, (verb, kind, error) in enumerate(self._errors):
            if verb == call.verb and kind in (None, call.kind):
                del self._errors[index]
                raise error
        if call.kind in self.missing_kinds:
            raise errors.NotFound(f"the server could not find the requested resource {call.kind}")

    def _existing(self, kind: Kind, key: Key) -> Manifest:
        if (found := self._objects[kind].get(key)) is None:
            raise errors.NotFound(f'{kind.plural} "{key}" not found')
        return found

    def _with_server_fields(self, manifest: Manifest) -> Manifest:
        self._uids += 1
        metadata = manifest["metadata"]
        # Counted, not random: two runs of a test see the same UIDs.
        metadata.setdefault("uid", str(uuid.UUID(int=self._uids)))
        metadata.setdefault("creationTimestamp", rfc3339(self.clock.now()))
        metadata.setdefault("generation", 1)
        return manifest

    def _update(self, kind: Kind, before: Manifest, after: Manifest) -> Manifest:
        # No client can change what the server sets, except that it starts a deletion.
        kept = {k: v for k, v in before["metadata"].items() if k in _SERVER_FIELDS[:-1]}
        after = {**after, "metadata": {**after["metadata"], **kept}}
        if after == before:
            return before
        if _content(kind, after) != _content(kind, before):
            after["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        deleting = after["metadata"].get("deletionTimestamp") is not None
        if deleting and not after["metadata"].get("finalizers"):
            return self._remove(kind, after)
        return self._store(kind, after, "MODIFIED")

    def _store(
        self, kind: Kind, manifest: Manifest, change: Literal["ADDED", "MODIFIED"]
    ) -> Manifest:
        self._version += 1
        manifest["metadata"]["resourceVersion"] = str(self._version)
        self._objects[kind][key_of(manifest)] = manifest
        # Stored objects are never modified, so watchers may share them.
        self._publish(kind, WatchEvent(change, manifest))
        return manifest

    def _remove(self, kind: Kind, manifest: Manifest) -> Manifest:
        self._version += 1
        del self._objects[kind][key_of(manifest)]
        # As from the API server: the version of the deletion, from which one can watch on.
        version = {"resourceVersion": str(self._version)}
        manifest = {**manifest, "metadata": {**manifest["metadata"], **version}}
        self._publish(kind, WatchEvent("DELETED", manifest))
        self._collect_garbage(manifest["metadata"]["uid"])
        return manifest

    def _collect_garbage(self, owner: str) -> None:
        """Deletes the dependents of a deleted owner, as Kubernetes' garbage collector does."""
        for kind, objects in list(self._objects.items()):
            for dependent in list(objects.values()):
                references = dependent["metadata"].get("ownerReferences") or ()
                if any(reference["uid"] == owner for reference in references):
                    stamp = {"metadata": {"deletionTimestamp": rfc3339(self.clock.now())}}
                    self._update(kind, dependent, merge_patch(dependent, stamp))

    def _publish(self, kind: Kind, change: WatchEvent) -> None:
        event = Event(self._version, kind, change)
        self._history[kind].append(event)
        for listener in list(self._listeners):
            listener(event)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def deep_copy(value: Value) -> Value:
    """A deep copy of a JSON value; several times faster than copy.deepcopy."""
    return cast(Value, _deep_copy(value))


def _deep_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: v if type(v) is str else _deep_copy(v) for k, v in value.items()}
    # A union of types, as in `list | tuple`, would be built at each call.
    if isinstance(value, (list, tuple)):
        return [v if type(v) is str else _deep_copy(v) for v in value]
    return value


def matches(manifest: Manifest, labels: Mapping[str, str | None] | None) -> bool:
    """Whether a label selector (None: the label exists) selects the object."""
    has = labels_of(manifest)
    return all(k in has and (v is None or has[k] == v) for k, v in (labels or {}).items())


def _field(manifest: Manifest, path: str) -> object:
    """The value at a field selector's path, such as spec.nodeName."""
    value: object = manifest
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def merge_patch(target: Manifest, patch: Manifest) -> Manifest:
    """JSON merge patch (RFC 7386). Parts that the patch does not touch are shared, not copied."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merge_patch(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = deep_copy(value)
    return result


def _typed(kind: Kind, manifest: Manifest) -> Manifest:
    return {"apiVersion": kind.api_version, "kind": kind.kind, **deep_copy(manifest)}


def _content(kind: Kind, manifest: Manifest) -> Manifest:
    """The part whose changes increase metadata.generation: all but metadata and status, and the
    annotations of a Deployment."""
    content = {k: v for k, v in manifest.items() if k not in ("metadata", "status")}
    annotations = annotations_of(manifest) if kind is DEPLOYMENT else {}
    return {**content, "annotations": annotations}
