"""The way of one call: there, its effect, and back; each leg may fail.

A call that is under way belongs to nobody: that its sender dies or gives up does not recall it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from tests.simulation.process import Process
from tests.simulation.stage import Stage
from tests.simulation.story import EVERYBODY
from tests.simulation.weather import Fault

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Ask:
    """What is called, whom it concerns, and how tempting it is to die at it."""

    what: str
    about: str = EVERYBODY
    writes: bool = False
    danger: float = 0.0
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """What becomes of one call. `refusal` comes before the effect, `loss` instead of the answer."""

    there: float
    back: float
    refusal: Exception | None = None
    loss: Exception | None = None


@dataclass(eq=False, slots=True)
class _Under(Generic[Answer]):
    ask: Ask
    way: Way
    effect: Callable[[], Answer]
    answer: "asyncio.Future[Answer]"


@dataclass(frozen=True, slots=True)
class Wire:
    """Between one process and one server. `silence` is the error for no answer at all."""

    stage: Stage
    process: Process
    server: str
    silence: Callable[[], Exception]

    async def call(self, ask: Ask, way: Way, effect: Callable[[], Answer]) -> Answer:
        if ask.danger and self.stage.weather.strikes(Fault.CRASH, ask.danger):
            self.process.kill(f"killed before {ask.what}")
            raise asyncio.CancelledError
        future: asyncio.Future[Answer] = self.stage.loop.create_future()
        under = _Under(ask, way, effect, future)
        self.stage.later(way.there, self._arrive, under)
        return await future

    def _arrive(self, under: _Under[Answer]) -> None:
        process, ask = self.process, under.ask
        if self.server in process.cut_off or (not process.alive and self.stage.rng.random() < 0.5):
            self._tell(under, "never arrived")
            self._fail(under, self.silence(), self.stage.between(3, 15))
            return
        if under.way.refusal is not None:
            self._tell(under, _words(under.way.refusal))
            self._fail(under, under.way.refusal, under.way.back)
            return
        try:
            answer = under.effect()
        except Exception as error:
            self._tell(under, _words(error))
            self._fail(under, error, under.way.back)
            return
        self._took_effect(under, answer)
        if ask.danger and process.alive and self.stage.weather.strikes(Fault.CRASH, ask.danger):
            process.kill(f"killed after {ask.what}")

    def _took_effect(self, under: _Under[Answer], answer: Answer) -> None:
        if under.way.loss is not None:
            self._tell(under, f"done, answer lost ({_words(under.way.loss)})")
            self._fail(under, under.way.loss, under.way.back)
            return
        self._tell(under, "done" if under.ask.writes else "")
        self.stage.later(under.way.back, self._answer, under, answer)

    def _answer(self, under: _Under[Answer], answer: Answer) -> None:
        if self.server in self.process.cut_off:
            self._fail(under, self.silence(), self.stage.between(3, 15))
        elif not under.answer.done():
            under.answer.set_result(answer)
            self._maybe_stop(under.ask)

    def _maybe_stop(self, ask: Ask) -> None:
        """A process that stands still as an answer arrives, and acts on it when it goes on."""
        process, stage = self.process, self.stage
        if not process.alive or process.stopped:
            return
        if stage.weather.strikes(Fault.PAUSE, 1 + 10 * ask.danger):
            seconds = stage.rng.choice((stage.between(1, 10), stage.between(20, 200)))
            stage.tell(process.name, f"stands still for {seconds:.0f} s")
            process.stop()
            stage.later(seconds, process.go_on)

    def _fail(self, under: _Under[Answer], error: Exception, delay: float) -> None:
        self.stage.later(delay, _raise, under.answer, error)

    def _tell(self, under: _Under[Answer], outcome: str) -> None:
        ask = under.ask
        if ask.quiet and not self.stage.story.verbose:
            return
        if ask.writes or outcome or self.stage.story.verbose:
            dead = "" if self.process.alive else " (of the dead)"
            self.stage.tell(
                self.process.name, f"{self.server}: {ask.what}{dead}", ask.about, outcome
            )


def _raise(future: "asyncio.Future[object]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _words(error: Exception) -> str:
    reason = cast(str, getattr(error, "reason", ""))
    told = f"{type(error).__name__} {reason}".strip()
    retry = getattr(error, "retry_after_seconds", None)
    return f"{told}, retry after {retry:.0f} s" if retry else told
