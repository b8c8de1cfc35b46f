"""Transports one call: request, effect, response. Each leg may fail.

A call in flight is independent of its sender: it takes effect even if the sender dies or gives up.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar, cast

from tests.simulation.fault_injector import Fault
from tests.simulation.process import Process
from tests.simulation.simulation import Simulation
from tests.simulation.story import EVERYBODY

Result = TypeVar("Result")


class Request(NamedTuple):
    """A call and the object that it is about; `crash_factor` scales the chance of a crash at it."""

    what: str
    about: str = EVERYBODY
    writes: bool = False
    crash_factor: float = 0.0
    quiet: bool = False


class Delivery(NamedTuple):
    """The delays and errors of a call: `refusal` prevents the effect, `loss` drops the response."""

    there: float
    back: float
    refusal: Exception | None = None
    loss: Exception | None = None


@dataclass(eq=False, slots=True)
class _InFlight(Generic[Result]):
    request: Request
    delivery: Delivery
    effect: Callable[[], Result]
    answer: "asyncio.Future[Result]"


@dataclass(frozen=True, slots=True)
class Transport:
    """Connects a process to a server. `no_response` creates the error for a missing response."""

    sim: Simulation
    process: Process
    server: str
    no_response: Callable[[], Exception]

    async def call(
        self, request: Request, delivery: Delivery, effect: Callable[[], Result]
    ) -> Result:
        if request.crash_factor and self.sim.injector.strikes(Fault.CRASH, request.crash_factor):
            self.process.kill(f"killed before {request.what}")
            raise asyncio.CancelledError
        future: asyncio.Future[Result] = self.sim.loop.create_future()
        in_flight = _InFlight(request, delivery, effect, future)
        self.sim.later(delivery.there, self._arrive, in_flight)
        return await future

    def _arrive(self, in_flight: _InFlight[Result]) -> None:
        process, request = self.process, in_flight.request
        if self.server in process.disconnected_from or (
            not process.alive and self.sim.rng.random() < 0.5
        ):
            self._tell(in_flight, "never arrived")
            self._fail(in_flight, self.no_response(), self.sim.between(3, 15))
            return
        if in_flight.delivery.refusal is not None:
            self._tell(in_flight, _describe(in_flight.delivery.refusal))
            self._fail(in_flight, in_flight.delivery.refusal, in_flight.delivery.back)
            return
        try:
            answer = in_flight.effect()
        except Exception as error:
            self._tell(in_flight, _describe(error))
            self._fail(in_flight, error, in_flight.delivery.back)
            return
        self._took_effect(in_flight, answer)
        if (
            request.crash_factor
            and process.alive
            and self.sim.injector.strikes(Fault.CRASH, request.crash_factor)
        ):
            process.kill(f"killed after {request.what}")

    def _took_effect(self, in_flight: _InFlight[Result], answer: Result) -> None:
        if in_flight.delivery.loss is not None:
            self._tell(in_flight, f"done, answer lost ({_describe(in_flight.delivery.loss)})")
            self._fail(in_flight, in_flight.delivery.loss, in_flight.delivery.back)
            return
        self._tell(in_flight, "done" if in_flight.request.writes else "")
        self.sim.later(in_flight.delivery.back, self._answer, in_flight, answer)

    def _answer(self, in_flight: _InFlight[Result], answer: Result) -> None:
        if self.server in self.process.disconnected_from:
            self._fail(in_flight, self.no_response(), self.sim.between(3, 15))
        elif not in_flight.answer.done():
            in_flight.answer.set_result(answer)
            self._maybe_stop(in_flight.request)

    def _maybe_stop(self, request: Request) -> None:
        """Perhaps pause the process as a response arrives, so that it acts on it only later."""
        process, sim = self.process, self.sim
        if not process.alive or process.paused:
            return
        if sim.injector.strikes(Fault.PAUSE, 1 + 10 * request.crash_factor):
            seconds = sim.rng.choice((sim.between(1, 10), sim.between(20, 200)))
            sim.tell(process.name, f"stands still for {seconds:.0f} s")
            process.pause()
            sim.later(seconds, process.resume)

    def _fail(self, in_flight: _InFlight[Result], error: Exception, delay: float) -> None:
        self.sim.later(delay, _raise, in_flight.answer, error)

    def _tell(self, in_flight: _InFlight[Result], outcome: str) -> None:
        request = in_flight.request
        if request.quiet and not self.sim.story.verbose:
            return
        if request.writes or outcome or self.sim.story.verbose:
            dead = "" if self.process.alive else " (of the dead)"
            self.sim.tell(
                self.process.name, f"{self.server}: {request.what}{dead}", request.about, outcome
            )


def _raise(future: "asyncio.Future[object]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _describe(error: Exception) -> str:
    reason = cast(str, getattr(error, "reason", ""))
    text = f"{type(error).__name__} {reason}".strip()
    retry = getattr(error, "retry_after_seconds", None)
    return f"{text}, retry after {retry:.0f} s" if retry else text
