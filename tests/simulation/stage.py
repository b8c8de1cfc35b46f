"""What every part of a run shares: time, chance, weather and the story."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.loop import LoopClock, VirtualLoop
from tests.simulation.story import EVERYBODY, Story
from tests.simulation.weather import Weather


@dataclass(frozen=True, slots=True)
class Stage:
    loop: VirtualLoop
    rng: random.Random
    weather: Weather
    story: Story
    clock: LoopClock

    @property
    def now(self) -> float:
        return self.loop.time()

    def between(self, least: float, most: float) -> float:
        return self.rng.uniform(least, most)

    def later(self, seconds: float, deed: Callable[..., object], *args: object) -> None:
        """As something that belongs to no process, and that no process's death prevents."""
        self.loop.outside(seconds, deed, *args)

    def tell(self, actor: str, what: str, about: str = EVERYBODY, outcome: str = "") -> None:
        self.story.tell(actor, about, what, outcome)
