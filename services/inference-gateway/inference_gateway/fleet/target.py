"""One model-server as the gateway sees it now: its place, what it said last, how busy it is."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from grpc import StatusCode

from inference_gateway.backends.backend import Backend, BackendError, Health
from inference_gateway.errors import Refused, too_busy
from inference_gateway.fleet.place import Place
from kaito.inference.v1 import inference_pb2 as pb

PROBE_TIMEOUT_S = 2.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0


@dataclass(slots=True, kw_only=True)
class Target:
    """Mutable, of one event loop. `model` and `adapters` are as of the last good probe."""

    place: Place
    backend: Backend
    clock: Callable[[], float]
    max_in_flight: int
    in_flight: int = 0
    health: Health = field(default_factory=lambda: Health(serving=False, detail="not asked yet"))
    model: pb.Model | None = None
    adapters: tuple[pb.Adapter, ...] = ()
    failures: int = 0
    paused_until: float = 0.0

    @property
    def ready(self) -> bool:
        """It served at the last probe, and no request failed to reach it just now."""
        return self.health.serving and self.clock() >= self.paused_until

    @property
    def preset(self) -> str:
        return self.model.name if self.model else self.place.model

    async def probe(self) -> None:
        """Asks for health, model and adapters, in bounded time. Never raises."""
        health = await self.backend.health(PROBE_TIMEOUT_S)
        if health.serving:
            try:
                self.model, self.adapters = await asyncio.gather(
                    self.backend.model(PROBE_TIMEOUT_S), self.backend.adapters(PROBE_TIMEOUT_S)
                )
            except BackendError as error:
                health = Health(serving=False, detail=str(error))
        self.health = health

    async def about(self) -> pb.Model:
        """What is loaded, asked for now if no probe has said it yet. Raises BackendError."""
        if self.model is None:
            try:
                self.model = await self.backend.model(PROBE_TIMEOUT_S)
            except BackendError as error:
                if error.code is not StatusCode.DEADLINE_EXCEEDED:
                    raise
                why = f"it did not say within {PROBE_TIMEOUT_S:g} s what it has loaded"
                raise BackendError(StatusCode.UNAVAILABLE, why) from None
        return self.model

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Counts one request. Refused with 429 when this model-server has as many as may be."""
        if self.in_flight >= self.max_in_flight:
            raise Refused(
                too_busy(
                    f"{self.place.label} has {self.max_in_flight} requests in flight already; "
                    "try again soon"
                )
            )
        self.in_flight += 1
        try:
            yield
        except BackendError as error:
            if error.code is StatusCode.UNAVAILABLE:
                self._pause()
            raise
        else:
            self.failures = 0
        finally:
            self.in_flight -= 1

    def _pause(self) -> None:
        self.paused_until = self.clock() + min(_FIRST_PAUSE_S * 2**self.failures, _LONGEST_PAUSE_S)
        self.failures = min(self.failures + 1, 8)
