"""A quiet world for a story that is told step by step."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.log_ear import listening
from tests.simulation.loop import VirtualLoop
from tests.simulation.provisioner import Compose, compose
from tests.simulation.schedule import Schedule
from tests.simulation.world import World

Script = Callable[[World], Coroutine[Any, Any, None]]

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


def play(script: Script, *, put_together: Compose = compose) -> None:
    """Plays it with every invariant checked, and tells the story where one is broken."""
    loop = VirtualLoop()
    world = World(loop, QUIET, verbose=True, put_together=put_together)
    for replica in world.replicas:
        replica.start()
    try:
        with listening(world.judge, world.story):
            loop.run_until_complete(_played(world, script))
    finally:
        loop.close()
    assert not world.judge.violations, "\n".join(
        [*world.story.lines(), *(violation.what for violation in world.judge.violations)]
    )


async def _played(world: World, script: Script) -> None:
    try:
        await script(world)
        await world.come_to_rest()
    finally:
        await world.close()


async def until(
    condition: Callable[[], bool], seconds: float = 1800, *, every: float = 1.0
) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(every)
