"""Waiting for what another task, thread or process brings about."""

import asyncio
from collections.abc import Callable

HANG_SECONDS = 90.0
"""A test that waits longer hangs. It says nothing about speed: machines under load are slow."""


async def until(condition: Callable[[], object]) -> None:
    """Returns once the condition holds.

    Raises:
        TimeoutError: it does not come to hold.
    """
    async with asyncio.timeout(HANG_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def until_seen(what: str, condition: Callable[[], object]) -> None:
    """The same for a condition that asks another process, and so would block the event loop.

    Raises:
        TimeoutError: names `what` did not come.
    """
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while not await asyncio.to_thread(condition):
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise TimeoutError(f"waited in vain for {what}") from None
