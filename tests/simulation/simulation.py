"""What every part of a run shares: time, randomness, fault injection and the story."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.fault_injector import FaultInjector
from tests.simulation.loop import LoopClock, VirtualLoop
from tests.simulation.story import EVERYBODY, Story


@dataclass(frozen=True, slots=True)
class Simulation:
    loop: VirtualLoop
    rng: random.Random
    injector: FaultInjector
    story: Story
    clock: LoopClock

    @property
    def now(self) -> float:
        return self.loop.time()

    def between(self, least: float, most: float) -> float:
        return self.rng.uniform(least, most)

    def later(self, seconds: float, action: Callable[..., object], *args: object) -> None:
        """Call back later, outside any process, so that no process's death prevents it."""
        self.loop.call_external(seconds, action, *args)

    def tell(self, actor: str, what: str, about: str = EVERYBODY, outcome: str = "") -> None:
        self.story.tell(actor, about, what, outcome)
