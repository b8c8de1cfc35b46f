"""One soak: load and faults at the same time, until it is over."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import aiohttp

from tests.soak.faults import break_and_mend, change_adapters
from tests.soak.load import TIMEOUT_SECONDS, Client
from tests.soak.memory import MemoryLog
from tests.soak.outcomes import Outcomes
from tests.soak.world import World

_CLIENTS = 6


async def soak(
    world: World, outcomes: Outcomes, memory: MemoryLog, *, seed: int, goes_on: Callable[[], bool]
) -> None:
    """Run clients and faults while `goes_on`; a fault that has begun is mended."""
    following = asyncio.create_task(memory.follow(lambda: world.services))
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for number in range(_CLIENTS):
                source = random.Random(f"{seed}/{number}")
                group.create_task(Client(world, outcomes, source, session).run(goes_on))
            group.create_task(break_and_mend(world, outcomes, goes_on))
            group.create_task(change_adapters(world, outcomes, goes_on))
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
