"""Runs scripted scenarios in a world without random faults."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.log_capture import capturing_logs
from tests.simulation.loop import VirtualLoop
from tests.simulation.provisioner import Compose, compose
from tests.simulation.schedule import Schedule
from tests.simulation.world import World

Scenario = Callable[[World], Coroutine[Any, Any, None]]

QUIET = Schedule(
    seed=0,
    faults=frozenset(),
    density=1.0,
    replicas=2,
    most_claims=60,
    foreign_pools=0,
    storm=0.0,
    lease=20.0,
)


def run_scenario(scenario: Scenario, *, composition: Compose = compose) -> None:
    """Run a scenario with every invariant checked; a violation fails with the story."""
    loop = VirtualLoop()
    world = World(loop, QUIET, verbose=True, composition=composition)
    for replica in world.replicas:
        replica.start()
    try:
        with capturing_logs(world.checker, world.story):
            loop.run_until_complete(_play(world, scenario))
    finally:
        loop.close()
    assert not world.checker.violations, "\n".join(
        [*world.story.lines(), *(violation.what for violation in world.checker.violations)]
    )


async def _play(world: World, scenario: Scenario) -> None:
    try:
        await scenario(world)
        await world.settle()
    finally:
        await world.close()


async def until(
    condition: Callable[[], bool], seconds: float = 1800, *, every: float = 1.0
) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(every)
