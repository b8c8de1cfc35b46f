"""One model-server as the gateway sees it: its address, last known state, and load."""

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from grpc import StatusCode

from inference_gateway.admission import Share
from inference_gateway.backends.backend import Backend, BackendError, Health
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.errors import RequestRejected, too_many_requests
from kaito.inference.v1 import inference_pb2 as pb

PROBE_TIMEOUT_SECONDS = 2.0
# Outlier ejection as in Envoy, doubling with every failure: 1, 2, 4, 8, then 15 seconds.
_BASE_EJECTION_SECONDS = 1.0
_MAX_EJECTION_SECONDS = 15.0
# Bounds the exponent; the cap on the ejection time is reached long before.
_MAX_COUNTED_FAILURES = 8
_READY_PROBE_INTERVAL_SECONDS = 5.0
# A model that has just been loaded becomes available within a second.
_UNREADY_PROBE_INTERVAL_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """Mutable; used by one event loop. `model` and `adapters` are those of the last good probe.

    It is ejected for a time when requests cannot reach it, and becomes unresponsive when it accepts
    a request and sends nothing at all in time. Its probes may be good meanwhile: an unresponsive
    one gets a single request at a time until it answers. `waiting` requests are held until it is
    ready. `expected_since` is when waiting for it began to make sense: when it was listed, and
    later each time that it was seen to be ready no longer; never for one that hangs.
    """

    address: EndpointAddress
    backend: Backend
    clock: Callable[[], float]
    max_in_flight: int
    in_flight: int = 0
    waiting: int = 0
    held_bytes: int = 0
    health: Health = field(default_factory=lambda: Health(serving=False, detail="not probed yet"))
    model: pb.Model | None = None
    adapters: tuple[pb.Adapter, ...] = ()
    consecutive_failures: int = 0
    ejected_until: float = 0.0
    ejected: asyncio.Event = field(default_factory=asyncio.Event)
    probed: asyncio.Event = field(default_factory=asyncio.Event)
    expected_since: float = -math.inf
    unresponsive: bool = False
    trials: int = 0
    answers: int = 0

    @property
    def ready(self) -> bool:
        """Whether the last probe found it serving, it is not ejected, and no request tries it."""
        is_tried = self.unresponsive and self.trials > 0
        return self.health.serving and self.clock() >= self.ejected_until and not is_tried

    @property
    def not_ready_reason(self) -> str:
        """Why it is not ready, for the message to a client."""
        if not self.health.serving:
            return self.health.detail
        return "does not answer" if self.unresponsive else "unreachable"

    @property
    def preset(self) -> str:
        return self.model.name if self.model else self.address.model

    def relays(self, route: str) -> bool:
        """Whether the engine has this route, such as "POST /v1/responses", itself."""
        return self.model is not None and route in self.model.http_routes

    async def probe(self) -> None:
        """Updates health, model and adapters, within a time limit. Never raises."""
        self.ejected.clear()
        was_ready, answers_before = self.ready, self.answers
        health = await self.backend.health(PROBE_TIMEOUT_SECONDS)
        if health.serving:
            try:
                self.model, self.adapters = await asyncio.gather(
                    self.backend.model(PROBE_TIMEOUT_SECONDS),
                    self.backend.adapters(PROBE_TIMEOUT_SECONDS),
                )
            except BackendError as error:
                is_late = error.code is StatusCode.DEADLINE_EXCEEDED
                health = Health(serving=False, detail=str(error), timed_out=is_late)
        # A busy model-server may be late for a probe while it answers requests.
        is_busy = health.timed_out and self.answers > answers_before
        if is_busy and self.health.serving:
            health = self.health
        self.health = health
        self.probed.set()
        if not health.serving:
            # The process that did not answer is gone or going.
            self.unresponsive = False
        # A probe knows that an endpoint is reachable again, but only a request knows that it
        # answers. A probe that began before the ejection knows nothing new.
        if health.serving and not self.unresponsive and not self.ejected.is_set():
            self.ejected_until = 0.0
        if was_ready and not self.ready:
            self.expected_since = self.clock()

    async def wait_for_next_probe(self) -> None:
        """Returns when it is time for the next probe: soon if the endpoint is not ready."""
        if self.ready:
            with suppress(TimeoutError):
                async with asyncio.timeout(_READY_PROBE_INTERVAL_SECONDS):
                    await self.ejected.wait()
        if not self.ready:
            await asyncio.sleep(_UNREADY_PROBE_INTERVAL_SECONDS)

    async def loaded_model(self) -> pb.Model:
        """What the model-server has loaded; fetched now if no probe has succeeded yet.

        Raises:
            BackendError: the model-server cannot be reached or does not answer.
        """
        if self.model is None:
            try:
                self.model = await self.backend.model(PROBE_TIMEOUT_SECONDS)
            except BackendError as error:
                code, message = error.code, error.message
                if code is StatusCode.DEADLINE_EXCEEDED:
                    # DEADLINE_EXCEEDED would read as the request's own time limit.
                    code = StatusCode.UNAVAILABLE
                    message = (
                        "the model-server did not report its model within "
                        f"{PROBE_TIMEOUT_SECONDS:g} s"
                    )
                raise BackendError(code, message, may_have_started=False) from None
        return self.model

    def has_room(self, share: Share) -> bool:
        """Whether one more request may go to it, or wait for it."""
        requests = self.in_flight + self.waiting
        return (
            requests < min(self.max_in_flight, share.requests)
            and self.held_bytes <= share.held_bytes
        )

    @contextmanager
    def track_waiting(self, share: Share) -> Iterator[None]:
        """Counts one request that waits until it is ready."""
        self.waiting += 1
        self.held_bytes += share.own_bytes
        try:
            yield
        finally:
            self.waiting -= 1
            self.held_bytes -= share.own_bytes

    @contextmanager
    def track_in_flight(self, share: Share) -> Iterator[None]:
        """Counts one request, and ejects the endpoint if the request cannot reach it.

        Raises:
            RequestRejected: 429, its share or `max_in_flight` requests are in flight.
        """
        if not self.has_room(share):
            raise RequestRejected(too_many_requests(self._full_message(share)))
        self.in_flight += 1
        self.held_bytes += share.own_bytes
        is_trial = self.unresponsive
        self.trials += is_trial
        answers_before = self.answers
        try:
            yield
        except BackendError as error:
            if error.code is StatusCode.UNAVAILABLE:
                self._eject()
            # An answer to another request shows that this one was only slow.
            elif error.code is StatusCode.DEADLINE_EXCEEDED and self.answers == answers_before:
                self.unresponsive = True
                self._eject()
                # It does not restart: nothing says that it will be ready soon.
                self.expected_since = -math.inf
            raise
        else:
            self.consecutive_failures = 0
        finally:
            self.in_flight -= 1
            self.held_bytes -= share.own_bytes
            self.trials -= is_trial

    def record_answer(self) -> None:
        """Notes that a message of an answer has arrived."""
        self.answers += 1
        if self.unresponsive:
            self.unresponsive = False
            self.ejected_until = 0.0
            self.consecutive_failures = 0

    def _full_message(self, share: Share) -> str:
        requests, most = self.in_flight + self.waiting, min(self.max_in_flight, share.requests)
        if requests >= most:
            has = f"{requests} requests in flight, of at most {most} now"
        else:
            has = (
                f"requests of {self.held_bytes} bytes in flight, of at most {share.held_bytes} now"
            )
        return f"{self.address.label} already has {has}; try again soon"

    def _eject(self) -> None:
        self.ejected.set()
        # Requests that were already in flight say nothing new about an ejected endpoint.
        if self.clock() < self.ejected_until:
            return
        if self.health.serving:
            self.expected_since = self.clock()
        ejection = min(_BASE_EJECTION_SECONDS * 2**self.consecutive_failures, _MAX_EJECTION_SECONDS)
        self.ejected_until = self.clock() + ejection
        self.consecutive_failures = min(self.consecutive_failures + 1, _MAX_COUNTED_FAILURES)
