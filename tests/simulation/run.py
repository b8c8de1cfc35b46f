"""One run: from a seed to its outcome."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.demand.demand_world import DemandWorld
from tests.simulation.log_capture import capturing_logs
from tests.simulation.loop import VirtualLoop
from tests.simulation.provisioner import Compose, compose
from tests.simulation.schedule import Schedule, draw
from tests.simulation.story import Story
from tests.simulation.violation import Violation
from tests.simulation.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    seed: int
    violations: tuple[Violation, ...]
    fault_counts: Counter[str] = field(default_factory=Counter)
    leaders: int
    seconds: float
    story: Story


def run(seed: int, *, verbose: bool = False, composition: Compose = compose) -> Outcome:
    return run_schedule(draw(seed), verbose=verbose, composition=composition)


def run_demand(seed: int, *, verbose: bool = False) -> Outcome:
    """The schedule's faults strike clients, front doors and InferenceSets."""
    return _run(lambda loop: DemandWorld(loop, draw(seed), verbose=verbose))


def run_schedule(
    schedule: Schedule, *, verbose: bool = False, composition: Compose = compose
) -> Outcome:
    return _run(lambda loop: World(loop, schedule, verbose=verbose, composition=composition))


def _run(make: Callable[[VirtualLoop], World | DemandWorld]) -> Outcome:
    loop = VirtualLoop()
    broken: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: _note(broken, context))
    try:
        world = make(loop)
        with capturing_logs(world.checker, world.story):
            loop.run_until_complete(world.run())
    finally:
        loop.close()
    if broken:
        raise broken[0]
    return Outcome(
        seed=world.schedule.seed,
        violations=tuple(world.checker.violations),
        fault_counts=world.sim.injector.fault_counts,
        leaders=world.leaders,
        seconds=loop.time(),
        story=world.story,
    )


def _note(broken: list[BaseException], context: dict[str, object]) -> None:
    """Collect exceptions of the simulation's own callbacks, which are bugs of the simulation."""
    error = context.get("exception")
    if "handle" in context and isinstance(error, BaseException):
        broken.append(error)
