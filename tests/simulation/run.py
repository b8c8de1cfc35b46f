"""One run: from a seed to what came of it."""

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.judge import Violation
from tests.simulation.log_ear import listening
from tests.simulation.loop import VirtualLoop
from tests.simulation.provisioner import Compose, compose
from tests.simulation.schedule import Schedule, draw
from tests.simulation.story import Story
from tests.simulation.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    seed: int
    violations: tuple[Violation, ...]
    struck: Counter[str] = field(default_factory=Counter)
    leaders: int
    seconds: float
    story: Story


def run(seed: int, *, verbose: bool = False, put_together: Compose = compose) -> Outcome:
    return run_schedule(draw(seed), verbose=verbose, put_together=put_together)


def run_schedule(
    schedule: Schedule, *, verbose: bool = False, put_together: Compose = compose
) -> Outcome:
    loop = VirtualLoop()
    broken: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: _note(broken, context))
    try:
        world = World(loop, schedule, verbose=verbose, put_together=put_together)
        with listening(world.judge, world.story):
            loop.run_until_complete(world.run())
    finally:
        loop.close()
    if broken:
        raise broken[0]
    return Outcome(
        seed=schedule.seed,
        violations=tuple(world.judge.violations),
        struck=world.stage.weather.struck,
        leaders=world.leaders,
        seconds=loop.time(),
        story=world.story,
    )


def _note(broken: list[BaseException], context: dict[str, object]) -> None:
    """A callback of the simulation that fails is a bug of the simulation."""
    error = context.get("exception")
    if "handle" in context and isinstance(error, BaseException):
        broken.append(error)
