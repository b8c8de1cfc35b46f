"""One model-server as the gateway sees it: its address, last known state, and load."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from grpc import StatusCode

from inference_gateway.admission import Share
from inference_gateway.backends.backend import Backend, BackendError, Health
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.outliers import (
    MAX_CONSECUTIVE_ERRORS,
    SLOW_EXCESS_SECONDS,
    Call,
    FirstTokens,
    Suspicion,
    is_far_above,
    may_eject,
)
from inference_gateway.errors import RequestRejected, too_many_requests
from kaito.inference.v1 import inference_pb2 as pb

PROBE_TIMEOUT_SECONDS = 2.0
# As in Envoy, doubling with every failure: 1, 2, 4, 8, then 15 seconds.
_BASE_EJECTION_SECONDS = 1.0
_MAX_EJECTION_SECONDS = 15.0
# Of an outlier, which only a request can try: 10, 20, 40, 80, then 160 seconds.
_BASE_OUTLIER_SECONDS = 10.0
_MAX_OUTLIER_SECONDS = 160.0
# Bounds the exponent; the cap on the ejection time is reached long before.
_MAX_COUNTED_FAILURES = 8
_READY_PROBE_INTERVAL_SECONDS = 5.0
# A model that has just been loaded becomes available within a second.
_UNREADY_PROBE_INTERVAL_SECONDS = 1.0
# What a model-server answers if it is broken, and not the request.
_BROKEN = frozenset((StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.DATA_LOSS))


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """Mutable; used by one event loop. `model` and `adapters` are those of the last good probe.

    It is ejected for a time when requests cannot reach it, and when they meet something that probes
    do not see (a Suspicion): it accepts a request and sends nothing at all in time, or answers much
    worse than its `peers`, the other replicas of its model. A suspected one gets a single request
    at a time until that one ends well. `waiting` requests are held until it is
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
    suspicion: Suspicion = Suspicion.NONE
    trials: int = 0
    answers: int = 0
    errors: int = 0
    outlier_ejections: int = 0
    first_tokens: FirstTokens = field(default_factory=FirstTokens)
    peers: Callable[[], Sequence["Endpoint"]] = tuple
    report_ejection: Callable[["Endpoint", str, float], None] = lambda *_: None

    @property
    def ready(self) -> bool:
        """Whether the last probe found it serving, it is not ejected, and no request tries it."""
        is_tried = bool(self.suspicion) and self.trials > 0
        return self.health.serving and self.clock() >= self.ejected_until and not is_tried

    @property
    def is_outlier(self) -> bool:
        """Whether it answers, but so badly that the other replicas are to answer."""
        return self.health.serving and self.suspicion in (Suspicion.FAILING, Suspicion.SLOW)

    @property
    def not_ready_reason(self) -> str:
        """Why it is not ready, for the message to a client."""
        if not self.health.serving:
            return self.health.detail
        return self.suspicion or "unreachable"

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
            self._acquit()
            self.first_tokens.forget()
            self.errors = 0
        # A probe knows that an endpoint is reachable again, but only a request knows that it
        # answers. A probe that began before the ejection knows nothing new.
        if health.serving and not self.suspicion and not self.ejected.is_set():
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
    def track_in_flight(self, share: Share) -> Iterator[Call]:
        """Counts one request, and ejects the endpoint for what the request meets.

        Raises:
            RequestRejected: 429, its share or `max_in_flight` requests are in flight.
        """
        if not self.has_room(share):
            raise RequestRejected(too_many_requests(self._full_message(share)))
        self.in_flight += 1
        self.held_bytes += share.own_bytes
        is_trial = bool(self.suspicion)
        self.trials += is_trial
        answers_before, timed_before = self.answers, self.first_tokens.count
        call = Call()
        try:
            yield call
        except BackendError as error:
            if error.code is StatusCode.UNAVAILABLE:
                self._eject("unreachable")
            # An answer to another request shows that this one was only slow.
            elif error.code is StatusCode.DEADLINE_EXCEEDED and self.answers == answers_before:
                self.suspicion = Suspicion.SILENT
                self._eject(self.suspicion)
                # It does not restart: nothing says that it will be ready soon.
                self.expected_since = -math.inf
            elif error.code in _BROKEN:
                self._record_error(is_trial)
            raise
        else:
            self.consecutive_failures = 0
            if call.failed:
                self._record_error(is_trial)
            else:
                self._record_success(is_trial, timed_before)
        finally:
            self.in_flight -= 1
            self.held_bytes -= share.own_bytes
            self.trials -= is_trial

    def record_answer(self) -> None:
        """Notes that a message of an answer has arrived."""
        self.answers += 1
        if self.suspicion is Suspicion.SILENT:
            self._acquit()
            self.consecutive_failures = 0

    def time_stream(self) -> Callable[[], None]:
        """What to call with each message of a stream that begins now."""
        started_at: float | None = self.clock()

        def record() -> None:
            nonlocal started_at
            self.record_answer()
            if started_at is not None:
                self._record_first_token(self.clock() - started_at)
                started_at = None

        return record

    def _record_success(self, is_trial: bool, timed_before: int) -> None:
        self.errors = 0
        # Of an answer that was not streamed, nobody knows when it began: it counts as well.
        is_untimed = self.first_tokens.count == timed_before
        if is_trial and (
            self.suspicion is Suspicion.FAILING or (self.suspicion is Suspicion.SLOW and is_untimed)
        ):
            self._acquit()

    def _record_error(self, is_trial: bool) -> None:
        self.errors += 1
        if is_trial or self.errors >= MAX_CONSECUTIVE_ERRORS:
            self._eject_outlier(Suspicion.FAILING)

    def _record_first_token(self, seconds: float) -> None:
        now = self.clock()
        self.first_tokens.add(now, seconds)
        own = self.first_tokens.usual_seconds(now)
        is_slow = self.suspicion is Suspicion.SLOW
        # Nearly all of them: the others need not be looked at.
        if not is_slow and (own is None or own <= SLOW_EXCESS_SECONDS):
            return
        others = [
            usual
            for each in self.peers()
            if each is not self and (usual := each.first_tokens.usual_seconds(now)) is not None
        ]
        if is_slow:
            # Of requests that began before the ejection, more is not to be learned.
            if now < self.ejected_until:
                return
            # One sample says how it is now; the median still knows how it was.
            if is_far_above(seconds, others):
                self._eject_outlier(Suspicion.SLOW)
            else:
                self._acquit()
            return
        if own is not None and is_far_above(own, others):
            self._eject_outlier(Suspicion.SLOW)

    def _acquit(self) -> None:
        if self.suspicion:
            self.ejected_until = 0.0
            self.outlier_ejections = 0
            self.first_tokens.forget()
        self.suspicion = Suspicion.NONE

    def _eject_outlier(self, suspicion: Suspicion) -> None:
        """Ejects it for longer each time, unless too few of the others are ready."""
        # Requests that were already in flight say nothing new.
        if self.clock() < self.ejected_until:
            return
        peers = self.peers()
        others_ready = sum(each.ready for each in peers if each is not self)
        if not may_eject(others_ready, max(len(peers), 1)):
            self._acquit()
            return
        self.suspicion = suspicion
        self.errors = 0
        seconds = min(_BASE_OUTLIER_SECONDS * 2**self.outlier_ejections, _MAX_OUTLIER_SECONDS)
        self.outlier_ejections = min(self.outlier_ejections + 1, _MAX_COUNTED_FAILURES)
        self.ejected_until = self.clock() + seconds
        self.report_ejection(self, suspicion, seconds)

    def _full_message(self, share: Share) -> str:
        requests, most = self.in_flight + self.waiting, min(self.max_in_flight, share.requests)
        if requests >= most:
            has = f"{requests} requests in flight, of at most {most} now"
        else:
            has = (
                f"requests of {self.held_bytes} bytes in flight, of at most {share.held_bytes} now"
            )
        return f"{self.address.label} already has {has}; try again soon"

    def _eject(self, reason: str) -> None:
        self.ejected.set()
        # Requests that were already in flight say nothing new about an ejected endpoint.
        if self.clock() < self.ejected_until:
            return
        if self.health.serving:
            self.expected_since = self.clock()
        ejection = min(_BASE_EJECTION_SECONDS * 2**self.consecutive_failures, _MAX_EJECTION_SECONDS)
        self.ejected_until = self.clock() + ejection
        self.report_ejection(self, reason, ejection)
        self.consecutive_failures = min(self.consecutive_failures + 1, _MAX_COUNTED_FAILURES)
