"""The pool of endpoints of this gateway.

Each endpoint has its own probe task, so that a hung one delays no other. Knows no HTTP and no file:
its owner sets the addresses.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inference_gateway.admission import Share
from inference_gateway.backends.backend import Backend
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.holding import hold_pause_seconds, unknown_endpoints
from inference_gateway.endpoints.routing import (
    PromptStart,
    RouteMatch,
    find_all,
    find_matches,
    model_names,
    no_prompt,
    requested_name,
)
from inference_gateway.errors import RequestRejected, unknown_model
from kaito_process.retry import retry_until_done

logger = logging.getLogger(__name__)
MaySee = Callable[[Endpoint], bool]


def sees_all(endpoint: Endpoint) -> bool:
    """For clients from whom no endpoint is hidden."""
    return True


class ReadinessReporter(Protocol):
    """Publishes which endpoints are ready and which are ejected, by label."""

    def set_backend_ready(self, backend: str, ready: bool) -> None: ...

    def remove_backend(self, backend: str) -> None: ...

    def record_ejection(self, backend: str, reason: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class EndpointPool:
    """All endpoints, by address.

    A `sidecar` gateway runs in a model's pod. It has one endpoint, which gets every request even
    when it is not ready and rejects unknown model names itself.

    `hold_seconds` is how long a request may wait for a model, counted from when it was last ready
    or was listed: its only model-server is rolled out or restarts, or this gateway does meanwhile.
    """

    connect: Callable[[EndpointAddress], Backend]
    clock: Callable[[], float]
    readiness: ReadinessReporter
    max_in_flight: int
    hold_seconds: float
    drain_seconds: float
    sidecar: bool
    _endpoints: dict[EndpointAddress, Endpoint] = field(default_factory=dict)
    _probes: dict[EndpointAddress, asyncio.Task[None]] = field(default_factory=dict)
    _readiness_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        return tuple(self._endpoints.values())

    def route(
        self,
        model: str,
        workspace: str = "",
        prompt: PromptStart = no_prompt,
        may_see: MaySee = sees_all,
    ) -> Sequence[RouteMatch]:
        """The endpoints that can answer for `model`, best first; at least one.

        `workspace` (namespace/name) narrows the search to that Workspace, and `may_see` to the
        endpoints that exist for the client; `prompt` is asked for the beginning of the prompt if
        there are several endpoints to choose from.

        Raises:
            RequestRejected: no endpoint can answer.
        """
        eligible = self._eligible(workspace, may_see)
        model = requested_name(model, eligible)
        if not self.sidecar:
            return find_matches(model, eligible, self._unknown(eligible), prompt)
        (endpoint,) = eligible
        # The model-server does not know its Workspace's name; to it, an empty name is the default.
        default_names = ("", endpoint.address.label, endpoint.address.workspace)
        return (RouteMatch(endpoint, "" if model in default_names else model),)

    async def wait_until_ready(
        self,
        model: str,
        workspace: str,
        timeout_seconds: float,
        share: Share,
        may_see: MaySee = sees_all,
    ) -> bool:
        """Waits until an endpoint that can answer for `model` is ready.

        False once none of them has been ready for `hold_seconds`, or after the timeout, or when the
        model is gone. False at once if its share already waits for each of them: the others
        that they are held with are for models that do answer.
        """
        if self.sidecar:
            return False
        try:
            awaited = min(self._serving(model, workspace, may_see), key=lambda each: each.waiting)
            if not awaited.has_room(share):
                return False
            async with asyncio.timeout(timeout_seconds):
                return await self._wait_until_ready(model, workspace, awaited, share, may_see)
        except (TimeoutError, RequestRejected):
            return False

    def awaited(self, model: str, workspace: str, may_see: MaySee = sees_all) -> str:
        """namespace/name of the endpoint that `wait_until_ready` would wait for, empty without."""
        try:
            serving = self._serving(model, workspace, may_see)
        except RequestRejected:
            return ""
        return min(serving, key=lambda each: each.waiting).address.label

    async def _wait_until_ready(
        self, model: str, workspace: str, awaited: Endpoint, share: Share, may_see: MaySee
    ) -> bool:
        """As above, without the timeout; counted as waiting for one of the endpoints.

        Raises:
            RequestRejected: the model is gone.
        """
        with awaited.track_waiting(share):
            while True:
                found = self._serving(model, workspace, may_see)
                if any(endpoint.ready for endpoint in found):
                    return True
                pause_seconds = hold_pause_seconds(found, self.hold_seconds, self.clock())
                if pause_seconds <= 0:
                    return False
                await self._wait_for_change(pause_seconds)

    async def _wait_for_change(self, timeout_seconds: float) -> None:
        """Returns when the readiness of any endpoint has changed, or after the timeout."""
        changed = self._readiness_changed
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await changed.wait()

    def has_relayed_route(self, route: str) -> bool:
        """Whether the engine of any endpoint has this route itself."""
        return any(endpoint.relays(route) for endpoint in self._endpoints.values())

    def relays(self, route: str, model: str, workspace: str, may_see: MaySee = sees_all) -> bool:
        """Whether an endpoint that serves `model`, ready or not, relays this route.

        Raises:
            RequestRejected: no endpoint serves it.
        """
        found = self._serving(model, workspace, may_see)
        return any(endpoint.relays(route) for endpoint in found)

    def _serving(
        self, model: str, workspace: str, may_see: MaySee = sees_all
    ) -> Sequence[Endpoint]:
        """The endpoints that serve `model`, ready or not; at least one.

        Raises:
            RequestRejected: there is none.
        """
        eligible = self._eligible(workspace, may_see)
        if self.sidecar:
            return eligible
        name = requested_name(model, eligible)
        return [each.endpoint for each in find_all(name, eligible, self._unknown(eligible))]

    def _unknown(self, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
        return unknown_endpoints(endpoints, self.hold_seconds, self.clock())

    def _eligible(self, workspace: str, may_see: MaySee) -> Sequence[Endpoint]:
        if workspace:
            return self.find_workspace(workspace, may_see)
        if may_see is sees_all:
            return self.endpoints
        return [each for each in self.endpoints if may_see(each)]

    def find_workspace(self, label: str, may_see: MaySee = sees_all) -> Sequence[Endpoint]:
        """The endpoints of the Workspace `label` (namespace/name); at least one.

        Raises:
            RequestRejected: 404, there is no such Workspace.
        """
        seen = [each for each in self.endpoints if may_see(each)]
        found = [each for each in seen if each.address.label == label]
        if not found:
            raise RequestRejected(unknown_model(label, model_names(seen)))
        return found

    def set_addresses(self, addresses: Iterable[EndpointAddress]) -> None:
        """Replaces the addresses.

        An endpoint that remains keeps its connections; one that is removed finishes its calls.
        """
        wanted = set(addresses)
        for address in self._endpoints.keys() - wanted:
            self._remove(address)
        for address in sorted(wanted - self._endpoints.keys()):
            self._add(address)

    async def wait_for_first_probes(self, timeout_seconds: float) -> None:
        """Returns once every endpoint has been probed, or after the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                for endpoint in self.endpoints:
                    await endpoint.probed.wait()

    async def close(self) -> None:
        """Ends all probes and connections."""
        for address in list(self._endpoints):
            self._remove(address)
        await asyncio.gather(*self._closing)

    def _add(self, address: EndpointAddress) -> None:
        endpoint = Endpoint(
            address=address,
            backend=self.connect(address),
            clock=self.clock,
            max_in_flight=self.max_in_flight,
            expected_since=self.clock(),
            peers=lambda: self._replicas_of(endpoint),
            report_ejection=self._report_ejection,
        )
        self._endpoints[address] = endpoint
        # A probe that ended would leave the endpoint as it was seen last, for good.
        probing = retry_until_done(
            lambda: self._probe_periodically(endpoint), Exception, f"probe {address.label}", logger
        )
        self._probes[address] = asyncio.create_task(probing)
        logger.info("backend added", extra={"backend": address.label, "address": address.target})

    def _replicas_of(self, endpoint: Endpoint) -> Sequence[Endpoint]:
        """All endpoints of its namespace that serve its preset."""
        namespace, preset = endpoint.address.namespace, endpoint.preset
        return [
            each
            for each in self._endpoints.values()
            if each.address.namespace == namespace and each.preset == preset
        ]

    def _report_ejection(self, endpoint: Endpoint, reason: str, seconds: float) -> None:
        label, target = endpoint.address.label, endpoint.address.target
        self.readiness.record_ejection(label, reason)
        fields = {"backend": label, "address": target, "reason": reason, "seconds": seconds}
        logger.warning("backend ejected", extra=fields)

    def _remove(self, address: EndpointAddress) -> None:
        endpoint = self._endpoints.pop(address)
        task = asyncio.create_task(self._drain(endpoint, self._probes.pop(address)))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _drain(self, endpoint: Endpoint, probe: asyncio.Task[None]) -> None:
        probe.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await probe
        label = endpoint.address.label
        # A Workspace whose address changed is still in the pool, and so is its readiness.
        if not any(label == other.label for other in self._endpoints):
            self.readiness.remove_backend(label)
        logger.info("backend removed", extra={"backend": label})
        await endpoint.backend.close(self.drain_seconds)

    async def _probe_periodically(self, endpoint: Endpoint) -> None:
        serving: bool | None = None
        while True:
            # Ejection may have changed it since the last probe.
            was_ready = endpoint.ready
            await endpoint.probe()
            if endpoint.ready is not was_ready:
                self._readiness_changed.set()
                self._readiness_changed = asyncio.Event()
            if endpoint.health.serving is not serving:
                serving = endpoint.health.serving
                self._report_readiness(endpoint)
            await endpoint.wait_for_next_probe()

    def _report_readiness(self, endpoint: Endpoint) -> None:
        serving = endpoint.health.serving
        self.readiness.set_backend_ready(endpoint.address.label, serving)
        logger.log(
            logging.INFO if serving else logging.WARNING,
            "backend ready" if serving else "backend not ready",
            extra={"backend": endpoint.address.label, "detail": endpoint.health.detail},
        )
