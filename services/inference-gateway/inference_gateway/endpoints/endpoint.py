"""One model-server as the gateway sees it: its address, last known state, and load."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from grpc import StatusCode

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


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """Mutable; used by one event loop. `model` and `adapters` are those of the last good probe."""

    address: EndpointAddress
    backend: Backend
    clock: Callable[[], float]
    max_in_flight: int
    in_flight: int = 0
    health: Health = field(default_factory=lambda: Health(serving=False, detail="not probed yet"))
    model: pb.Model | None = None
    adapters: tuple[pb.Adapter, ...] = ()
    consecutive_failures: int = 0
    ejected_until: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether the last probe found it serving, and it is not ejected."""
        return self.health.serving and self.clock() >= self.ejected_until

    @property
    def preset(self) -> str:
        return self.model.name if self.model else self.address.model

    async def probe(self) -> None:
        """Updates health, model and adapters, within a time limit. Never raises."""
        health = await self.backend.health(PROBE_TIMEOUT_SECONDS)
        if health.serving:
            try:
                self.model, self.adapters = await asyncio.gather(
                    self.backend.model(PROBE_TIMEOUT_SECONDS),
                    self.backend.adapters(PROBE_TIMEOUT_SECONDS),
                )
            except BackendError as error:
                health = Health(serving=False, detail=str(error))
        self.health = health

    async def loaded_model(self) -> pb.Model:
        """What the model-server has loaded; fetched now if no probe has succeeded yet.

        Raises:
            BackendError: the model-server cannot be reached or does not answer.
        """
        if self.model is None:
            try:
                self.model = await self.backend.model(PROBE_TIMEOUT_SECONDS)
            except BackendError as error:
                if error.code is not StatusCode.DEADLINE_EXCEEDED:
                    raise
                # DEADLINE_EXCEEDED would read as the request's own time limit.
                message = (
                    f"the model-server did not report its model within {PROBE_TIMEOUT_SECONDS:g} s"
                )
                raise BackendError(StatusCode.UNAVAILABLE, message) from None
        return self.model

    @contextmanager
    def track_in_flight(self) -> Iterator[None]:
        """Counts one request, and ejects the endpoint if the request cannot reach it.

        Raises:
            RequestRejected: 429, `max_in_flight` requests are in flight.
        """
        if self.in_flight >= self.max_in_flight:
            raise RequestRejected(
                too_many_requests(
                    f"{self.address.label} already has {self.max_in_flight} requests in flight; "
                    "try again soon"
                )
            )
        self.in_flight += 1
        try:
            yield
        except BackendError as error:
            if error.code is StatusCode.UNAVAILABLE:
                self._eject()
            raise
        else:
            self.consecutive_failures = 0
        finally:
            self.in_flight -= 1

    def _eject(self) -> None:
        ejection = min(_BASE_EJECTION_SECONDS * 2**self.consecutive_failures, _MAX_EJECTION_SECONDS)
        self.ejected_until = self.clock() + ejection
        self.consecutive_failures = min(self.consecutive_failures + 1, _MAX_COUNTED_FAILURES)
