"""A controller's replica: a process that is restarted whenever it ends."""

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kaito_kube.clock import SteadyClock
from tests.simulation.fault_injector import Fault
from tests.simulation.machine_clock import MachineClock
from tests.simulation.process import Process
from tests.simulation.simulation import Simulation
from tests.simulation.violation import Reporter, ViolationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaContext:
    """What a replica's process runs with. `adopt_time` sets its clock to the API server's, as every
    response does."""

    name: str
    process: Process
    clock: SteadyClock
    adopt_time: Callable[[], None]
    rng: random.Random


# By how much the clock of the API server that answers a replica is wrong, in seconds, in either
# direction.
SKEW = 30.0

Main = Callable[[ReplicaContext], Coroutine[Any, Any, None]]
"""The main function of a process."""


class Replica:
    """`should_run` tells whether the process is restarted when it ends. `machine_clock` is the time
    of day where it runs."""

    def __init__(self, name: str, sim: Simulation, checker: Reporter, main: Main) -> None:
        self.name = name
        self.process: Process | None = None
        self.should_run = True
        self.on_exit: list[Callable[[], None]] = []
        self.machine_clock = MachineClock(sim.clock)
        self._sim = sim
        self._checker = checker
        self._main = main
        self._lives = 0
        self._skew = sim.between(-SKEW, SKEW) if sim.injector.is_enabled(Fault.SKEW) else 0.0

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self) -> None:
        if self.is_up or not self.should_run:
            return
        self._lives += 1
        process = Process(self._sim.loop, self.name, self._died, self.machine_clock)
        self.process = process
        self._sim.tell(self.name, "starts")
        process.start(lambda: self._run(process))

    def go_down(self, why: str) -> None:
        """Kill the process and do not restart it."""
        self.should_run = False
        if self.process is not None:
            self.process.kill(why)

    def come_up(self) -> None:
        self.should_run = True
        self.start()

    async def _run(self, process: Process) -> None:
        sim = self._sim
        rng = random.Random(f"{self.name} {self._lives} {sim.rng.random()}")
        clock = SteadyClock(sim.loop.time, self.machine_clock.now())
        skew = timedelta(seconds=self._skew)
        context = ReplicaContext(
            name=self.name,
            process=process,
            clock=clock,
            adopt_time=lambda: clock.adopt(sim.clock.now() + skew),
            rng=rng,
        )
        await self._main(context)

    def _died(self, process: Process, why: str) -> None:
        sim = self._sim
        sim.tell(self.name, why)
        if why.startswith("ended by"):
            self._checker.report(ViolationKind.STUCK, "", f"{self.name} {why}")
        for callback in self.on_exit:
            callback()
        if self.should_run:
            long = sim.rng.random() < 0.1 and not sim.injector.is_calm
            sim.later(sim.between(60, 600) if long else sim.between(1, 30), self.start)
