"""Clients of one model: their number and their requests change every few minutes."""

import asyncio
from dataclasses import dataclass, field

from tests.simulation.demand.simulated_gateway import SimulatedGateway
from tests.simulation.simulation import Simulation

ACTOR = "clients"
SAMPLE_SECONDS = 5.0


@dataclass(eq=False)
class Clients:
    """`seconds` is the integral of the requests at once over time: the truth about the load."""

    sim: Simulation
    model: str
    doors: list[SimulatedGateway]
    at_once: int = 0
    seconds: float = 0.0
    samples: list[float] = field(default_factory=list)
    _since: float = 0.0
    _wanted: int = 0
    _running: int = 0
    _short: bool = False

    def begin(self) -> None:
        self._sample()
        self._next_phase()

    def mean(self, first: int, last: int) -> float:
        """The mean number of requests at once between two samples."""
        return (self.samples[last] - self.samples[first]) / (SAMPLE_SECONDS * (last - first))

    def set_load(self, count: int, *, short: bool = False) -> None:
        """So many clients from now on, each with one request after the other."""
        self.sim.tell(ACTOR, f"{count} of {self.model}, {'short' if short else 'long'} requests")
        self._wanted, self._short = count, short
        while self._running < self._wanted:
            self._running += 1
            task = self.sim.loop.create_task(self._client())
            task.add_done_callback(lambda _: None)

    def _next_phase(self) -> None:
        if self.sim.injector.is_calm:
            return
        rng = self.sim.rng
        short = rng.random() < 0.3
        self.set_load(rng.choice((0, 0, 1, 4, 12) if short else (0, 0, 3, 12, 25, 45)), short=short)
        self.sim.later(
            rng.choice((self.sim.between(5, 60), self.sim.between(60, 900))), self._next_phase
        )

    async def _client(self) -> None:
        rng = self.sim.rng
        try:
            while self._running <= self._wanted:
                doors = [door for door in self.doors if door.is_up]
                if not doors:
                    await asyncio.sleep(1)
                    continue
                seconds = rng.uniform(0.2, 0.8) if self._short else rng.uniform(2, 40)
                self._count(1)
                try:
                    await rng.choice(doors).ask(self.model, seconds)
                finally:
                    self._count(-1)
                await asyncio.sleep(rng.uniform(0.2, 0.8) if self._short else 0.1)
        finally:
            self._running -= 1

    def _count(self, change: int) -> None:
        self.seconds += self.at_once * (self.sim.now - self._since)
        self._since = self.sim.now
        self.at_once += change

    def _sample(self) -> None:
        self._count(0)
        self.samples.append(self.seconds)
        self.sim.later(SAMPLE_SECONDS, self._sample)
