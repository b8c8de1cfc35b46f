"""Calls again until it succeeds, with growing pauses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kaito_process.backoff import Backoff
from kaito_process.outage import Outage

Value = TypeVar("Value")


async def retry_until_done(
    call: Callable[[], Awaitable[Value]],
    errors: type[Exception],
    what: str,
    logger: logging.Logger,
    backoff: Backoff | None = None,
) -> Value:
    """The result of the first call that does not raise one of `errors`.

    `what` follows "cannot" in the log, which gets one line for each outage and cause.
    """
    backoff, outage = backoff or Backoff(), Outage(logger, what)
    loop = asyncio.get_running_loop()
    while True:
        try:
            value = await call()
        except errors as error:
            outage.failed(error, loop.time())
            await asyncio.sleep(backoff.next_seconds(loop.time()))
        else:
            outage.ended(loop.time())
            return value
