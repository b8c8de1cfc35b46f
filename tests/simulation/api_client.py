"""The `Cluster` of one process: the API server behind a faulty network."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Literal, Protocol

from kaito_kube.cluster import Listing, WatchEvent
from kaito_kube.errors import Conflict, Expired, NotFound, Throttled, Unavailable
from kaito_kube.fake import deep_copy, matches
from kaito_kube.kinds import LEASE, MACHINE, NODE, NODE_CLAIM, Kind, Manifest
from tests.simulation.api_server import ApiServer, run_sync
from tests.simulation.call_rates import CallRates
from tests.simulation.fault_injector import Fault
from tests.simulation.process import API, Process
from tests.simulation.simulation import Simulation
from tests.simulation.transport import Delivery, Request, Result, Transport
from tests.simulation.watch import Watch

CLAIMS = (MACHINE, NODE_CLAIM)


class CallObserver(Protocol):
    """Is notified of every call at the moment that a process makes it."""

    @property
    def rates(self) -> CallRates: ...

    def on_object_delete(self, who: str, kind: Kind, name: str) -> None: ...

    def on_object_patch(self, who: str, kind: Kind, name: str) -> None: ...


class ApiClient:
    """`adopt_time` is called with every response."""

    def __init__(
        self,
        sim: Simulation,
        server: ApiServer,
        process: Process,
        observer: CallObserver,
        adopt_time: Callable[[], None],
    ) -> None:
        self._sim = sim
        self._adopt_time = adopt_time
        self._server = server
        self._process = process
        self._observer = observer
        self._transport = Transport(sim, process, API, _no_response)

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest:
        request = Request(f"get {kind} {name}", name, quiet=kind is LEASE)
        return await self._call(
            request, lambda: run_sync(self._server.cluster.get(kind, name, namespace))
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
            self._check_served(kind)
            if age:
                found = self._server.listing(kind, age)
                items = [deep_copy(item) for item in found.items if matches(item, labels)]
                return Listing(items, found.resource_version)
            listing = self._server.cluster.list(
                kind, namespace=namespace, labels=labels, fields=fields
            )
            return run_sync(listing)

        old = f", {age:.0f} s old" if age else ""
        crash_factor = 0.0 if whole else 0.3
        return await self._call(
            Request(f"list {kind.plural}{old}", crash_factor=crash_factor), effect
        )

    async def watch(
        self, kind: Kind, resource_version: str, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[WatchEvent, None]:
        def effect() -> Watch:
            self._check_served(kind)
            if self._sim.injector.strikes(Fault.EXPIRED):
                raise Expired("too old resource version")
            events = self._server.changes(kind, resource_version)
            watch = Watch(self._sim, self._server, self._process, kind)
            watch.begin(events)
            return watch

        watch = await self._call(Request(f"watch {kind.plural}"), effect)
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
        request = Request(
            f"create {kind}{reason}", about, True, crash_factor=0.3, quiet=kind is LEASE
        )
        return await self._call(
            request, lambda: run_sync(self._server.cluster.create(kind, manifest))
        )

    async def apply(self, kind: Kind, manifest: Manifest) -> Manifest:
        request = Request(f"apply {kind}", manifest["metadata"]["name"], True, crash_factor=0.3)

        def effect() -> Manifest:
            self._server.applied_by = self._process
            return run_sync(self._server.cluster.apply(kind, manifest))

        return await self._call(request, effect)

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
        self._observer.on_object_patch(self._process.name, kind, name)
        lease = kind is LEASE
        request = Request(
            f"patch {kind} {name} {_summary(patch)}",
            "" if lease else _pool_of(kind, name),
            writes=True,
            crash_factor=0.05 if lease else 1.0,
            quiet=lease,
        )
        cluster = self._server.cluster
        guarded = "resourceVersion" in (patch.get("metadata") or {})
        return await self._call(
            request,
            lambda: run_sync(
                cluster.patch(kind, name, patch, namespace=namespace, subresource=subresource)
            ),
            guarded=guarded,
        )

    async def delete(
        self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None
    ) -> None:
        self._process.check()
        self._observer.on_object_delete(self._process.name, kind, name)
        request = Request(f"delete {kind} {name}", _pool_of(kind, name), True, crash_factor=1.0)
        cluster = self._server.cluster
        await self._call(
            request,
            lambda: run_sync(cluster.delete(kind, name, namespace, grace_seconds=grace_seconds)),
        )

    async def evict(self, name: str, namespace: str) -> None:
        request = Request(f"evict {namespace}/{name}", writes=True, crash_factor=0.5)

        def effect() -> None:
            self._server.on_eviction(name)
            run_sync(self._server.cluster.evict(name, namespace))

        await self._call(request, effect)

    def _check_served(self, kind: Kind) -> None:
        if kind in self._server.cluster.missing_kinds:
            raise NotFound(f"the server could not find the requested resource {kind}")

    async def _call(
        self, request: Request, effect: Callable[[], Result], *, guarded: bool = False
    ) -> Result:
        self._process.check()
        self._observer.rates.on_api_call(self._process.name, request.writes and not request.quiet)
        answer = await self._transport.call(request, self._delivery(request, guarded), effect)
        self._adopt_time()
        return answer

    def _delivery(self, request: Request, guarded: bool) -> Delivery:
        injector, sim = self._sim.injector, self._sim
        slow = sim.between(1, 10) if injector.strikes(Fault.API_SLOW) else 0.0
        there, back = sim.between(0.001, 0.01) + slow, sim.between(0.001, 0.01)
        return Delivery(there, back, self._refusal(guarded), self._loss(request))

    def _refusal(self, guarded: bool) -> Exception | None:
        injector = self._sim.injector
        if injector.strikes(Fault.API_REFUSED):
            return Unavailable("the server is currently unable to handle the request")
        if injector.strikes(Fault.API_THROTTLED):
            return Throttled("too many requests")
        if guarded and injector.strikes(Fault.API_CONFLICT):
            return Conflict("the object has been modified")
        return None

    def _loss(self, request: Request) -> Exception | None:
        if request.writes and self._sim.injector.strikes(Fault.API_LOST):
            return Unavailable("connection reset by peer")
        return None

    def _age(self) -> float:
        if self._sim.injector.strikes(Fault.STALE_OBJECTS):
            return self._sim.between(1, 60)
        return 0.0


def _no_response() -> Exception:
    return Unavailable("timed out")


def _pool_of(kind: Kind, name: str) -> str:
    """Machines of agent pools are called aks-<pool>-<number>."""
    return name.split("-")[1] if kind is NODE and name.startswith("aks-") else name


def _summary(patch: Any) -> str:
    """The parts of a patch that matter in a story."""
    conditions = (patch.get("status") or {}).get("conditions") or ()
    if conditions:
        return ", ".join(f"{c['type']}={c['status']}/{c['reason']}" for c in conditions)
    metadata = patch.get("metadata") or {}
    changes = [f"{key}={metadata[key]}" for key in ("finalizers", "labels") if key in metadata]
    changes += [f"{key}={value}" for key, value in (patch.get("spec") or {}).items()]
    return " ".join(changes)
