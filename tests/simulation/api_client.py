"""The `Cluster` of one process: the API server through a network and a server that have faults."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, Protocol

from kaito_kube.cluster import Listing, WatchEvent
from kaito_kube.errors import Conflict, Expired, Throttled, Unavailable
from kaito_kube.fake import deep_copy, matches
from kaito_kube.kinds import LEASE, MACHINE, NODE, NODE_CLAIM, Kind, Manifest
from tests.simulation.api_server import ApiServer, at_once
from tests.simulation.process import API, Process
from tests.simulation.stage import Stage
from tests.simulation.watch import Watch
from tests.simulation.weather import Fault
from tests.simulation.wire import Answer, Ask, Way, Wire

CLAIMS = (MACHINE, NODE_CLAIM)


class Witness(Protocol):
    """Sees what a process sets out to do, at the moment it does."""

    def deletes_object(self, who: str, kind: Kind, name: str) -> None: ...

    def patches_object(self, who: str, kind: Kind, name: str) -> None: ...

    def asks_api(self, who: str, writes: bool) -> None: ...


class ApiClient:
    def __init__(self, stage: Stage, server: ApiServer, process: Process, witness: Witness) -> None:
        self._stage = stage
        self._server = server
        self._process = process
        self._witness = witness
        self._wire = Wire(stage, process, API, _silence)

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        ask = Ask(f"get {kind} {name}", name, quiet=kind is LEASE)
        return await self._call(
            ask, lambda: at_once(self._server.cluster.get(kind, name, namespace))
        )

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: Mapping[str, str | None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        whole = not namespace and not fields
        age = self._age() if whole and kind is not LEASE else 0.0

        def effect() -> Listing:
            if age:
                found = self._server.listing(kind, age)
                items = [deep_copy(item) for item in found.items if matches(item, labels)]
                return Listing(items, found.resource_version)
            listing = self._server.cluster.list(
                kind, namespace=namespace, labels=labels, fields=fields
            )
            return at_once(listing)

        old = f", {age:.0f} s old" if age else ""
        danger = 0.0 if whole else 0.3
        return await self._call(Ask(f"list {kind.plural}{old}", danger=danger), effect)

    async def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncIterator[WatchEvent]:
        def effect() -> Watch:
            if self._stage.weather.strikes(Fault.EXPIRED):
                raise Expired("too old resource version")
            events = self._server.changes(kind, resource_version)
            watch = Watch(self._stage, self._server, self._process, kind)
            watch.begin(events)
            return watch

        watch = await self._call(Ask(f"watch {kind.plural}"), effect)
        try:
            while (change := await watch.next()) is not None:
                if matches(change.manifest, labels):
                    yield change
        finally:
            watch.close()

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        about = (manifest.get("regarding") or {}).get("name", name)
        reason = f" ({manifest['reason']})" if "reason" in manifest else ""
        ask = Ask(f"create {kind}{reason}", about, True, danger=0.3, quiet=kind is LEASE)
        return await self._call(ask, lambda: at_once(self._server.cluster.create(kind, manifest)))

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        ask = Ask(f"apply {kind}", manifest["metadata"]["name"], True, danger=0.3)
        return await self._call(ask, lambda: at_once(self._server.cluster.apply(kind, manifest)))

    async def patch(
        self,
        kind: Kind,
        name: str,
        patch: Manifest,
        *,
        namespace: str = "",
        subresource: Literal["", "status"] = "",
    ) -> Manifest:
        self._process.check()
        self._witness.patches_object(self._process.name, kind, name)
        lease = kind is LEASE
        ask = Ask(
            f"patch {kind} {name} {_gist(patch)}",
            "" if lease else _pool_of(kind, name),
            writes=True,
            danger=0.05 if lease else 1.0,
            quiet=lease,
        )
        cluster = self._server.cluster
        guarded = "resourceVersion" in (patch.get("metadata") or {})
        return await self._call(
            ask,
            lambda: at_once(
                cluster.patch(kind, name, patch, namespace=namespace, subresource=subresource)
            ),
            guarded=guarded,
        )

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        self._process.check()
        self._witness.deletes_object(self._process.name, kind, name)
        ask = Ask(f"delete {kind} {name}", _pool_of(kind, name), True, danger=1.0)
        cluster = self._server.cluster
        await self._call(
            ask,
            lambda: at_once(cluster.delete(kind, name, namespace, grace_seconds=grace_seconds)),
        )

    async def evict(self, name: str, namespace: str) -> None:
        ask = Ask(f"evict {namespace}/{name}", writes=True, danger=0.5)
        await self._call(ask, lambda: at_once(self._server.cluster.evict(name, namespace)))

    async def _call(
        self, ask: Ask, effect: Callable[[], Answer], *, guarded: bool = False
    ) -> Answer:
        self._process.check()
        self._witness.asks_api(self._process.name, ask.writes and not ask.quiet)
        return await self._wire.call(ask, self._way(ask, guarded), effect)

    def _way(self, ask: Ask, guarded: bool) -> Way:
        weather, stage = self._stage.weather, self._stage
        slow = stage.between(1, 10) if weather.strikes(Fault.API_SLOW) else 0.0
        there, back = stage.between(0.001, 0.01) + slow, stage.between(0.001, 0.01)
        return Way(there, back, self._refusal(guarded), self._loss(ask))

    def _refusal(self, guarded: bool) -> Exception | None:
        weather = self._stage.weather
        if weather.strikes(Fault.API_REFUSED):
            return Unavailable("the server is currently unable to handle the request")
        if weather.strikes(Fault.API_THROTTLED):
            return Throttled("too many requests")
        if guarded and weather.strikes(Fault.API_CONFLICT):
            return Conflict("the object has been modified")
        return None

    def _loss(self, ask: Ask) -> Exception | None:
        if ask.writes and self._stage.weather.strikes(Fault.API_LOST):
            return Unavailable("connection reset by peer")
        return None

    def _age(self) -> float:
        if self._stage.weather.strikes(Fault.STALE_OBJECTS):
            return self._stage.between(1, 60)
        return 0.0


def _silence() -> Exception:
    return Unavailable("timed out")


def _pool_of(kind: Kind, name: str) -> str:
    """Machines of agent pools are called aks-<pool>-<number>."""
    return name.split("-")[1] if kind is NODE and name.startswith("aks-") else name


def _gist(patch: Any) -> str:
    """What of a patch a reader of the story wants to see."""
    conditions = (patch.get("status") or {}).get("conditions") or ()
    if conditions:
        return ", ".join(f"{c['type']}={c['status']}/{c['reason']}" for c in conditions)
    metadata = patch.get("metadata") or {}
    told = [f"{key}={metadata[key]}" for key in ("finalizers", "labels") if key in metadata]
    told += [f"{key}={value}" for key, value in (patch.get("spec") or {}).items()]
    return " ".join(told)
