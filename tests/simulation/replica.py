"""A replica of one of the controllers: a process that is started again whenever it ends."""

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tests.simulation.judge import Judge, Verdict
from tests.simulation.loop import LoopClock
from tests.simulation.process import Process
from tests.simulation.stage import Stage
from tests.simulation.weather import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What one life of a replica is given; `clock` is of the machine that it runs on."""

    name: str
    process: Process
    clock: LoopClock
    rng: random.Random


# By how many seconds a machine's clock may be wrong, both ways.
SKEW = 30.0

Main = Callable[[Life], Coroutine[Any, Any, None]]
"""Everything that a process does from its start on."""


class Replica:
    """`wanted` is whether it is started again when it ends."""

    def __init__(self, name: str, stage: Stage, judge: Judge, main: Main) -> None:
        self.name = name
        self.process: Process | None = None
        self.wanted = True
        self.deaths: list[Callable[[], None]] = []
        self._stage = stage
        self._judge = judge
        self._main = main
        self._lives = 0
        self._skew = stage.between(-SKEW, SKEW) if stage.weather.knows(Fault.SKEW) else 0.0

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self) -> None:
        if self.is_up or not self.wanted:
            return
        self._lives += 1
        process = Process(self._stage.loop, self.name, self._died)
        self.process = process
        self._stage.tell(self.name, "starts")
        process.start(lambda: self._live(process))

    def go_down(self, why: str) -> None:
        """And stays down."""
        self.wanted = False
        if self.process is not None:
            self.process.kill(why)

    def come_up(self) -> None:
        self.wanted = True
        self.start()

    async def _live(self, process: Process) -> None:
        stage = self._stage
        rng = random.Random(f"{self.name} {self._lives} {stage.rng.random()}")
        clock = LoopClock(stage.loop, self._skew)
        await self._main(Life(name=self.name, process=process, clock=clock, rng=rng))

    def _died(self, process: Process, why: str) -> None:
        stage = self._stage
        stage.tell(self.name, why)
        if why.startswith("ended by"):
            self._judge.complain(Verdict.STUCK, "", f"{self.name} {why}")
        for told in self.deaths:
            told()
        if self.wanted:
            long = stage.rng.random() < 0.1 and not stage.weather.calm
            stage.later(stage.between(60, 600) if long else stage.between(1, 30), self.start)
