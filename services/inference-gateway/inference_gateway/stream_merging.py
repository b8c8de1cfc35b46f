"""Merges several streams into one of numbered messages, without reading ahead of the reader."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TypeVar

_T = TypeVar("_T")


async def merge_streams(
    streams: Sequence[AsyncGenerator[_T, None]],
) -> AsyncGenerator[tuple[int, _T], None]:
    """Yields each message with its stream's index, as they arrive.

    The first failure ends all streams, and so does closing this generator.
    """
    # The common case, without the cost of a task and a queue.
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for message in only:
                yield 0, message
        return
    # A queue of one: a slow client holds the model-server back instead of filling memory.
    queue: asyncio.Queue[tuple[int, _T] | BaseException | None] = asyncio.Queue(maxsize=1)
    pumps = [
        asyncio.create_task(_pump(index, stream, queue)) for index, stream in enumerate(streams)
    ]
    try:
        open_streams = len(streams)
        while open_streams:
            match await queue.get():
                case None:
                    open_streams -= 1
                case BaseException() as error:
                    raise error
                case item:
                    yield item
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(
    index: int,
    stream: AsyncGenerator[_T, None],
    queue: "asyncio.Queue[tuple[int, _T] | BaseException | None]",
) -> None:
    try:
        async with aclosing(stream) as messages:
            async for message in messages:
                await queue.put((index, message))
    except Exception as error:
        await queue.put(error)
    else:
        await queue.put(None)


async def wait_for_first(
    messages: AsyncIterator[_T], interval_seconds: float, timeout_seconds: float
) -> AsyncGenerator[_T | None, None]:
    """Yields None after every interval without a message, then the first message, if any.

    Raises:
        TimeoutError: no message came within `timeout_seconds`.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + timeout_seconds
    pending = asyncio.ensure_future(_next(messages))
    try:
        while True:
            # Looks at `pending` before the clock: a reader that was slow to ask for the next item
            # is not the sender's fault.
            wait_seconds = max(min(interval_seconds, deadline - now()), 0)
            if (await asyncio.wait({pending}, timeout=wait_seconds))[0]:
                break
            if now() >= deadline:
                raise TimeoutError
            yield None
        for message in pending.result():
            yield message
    finally:
        if not pending.done():
            pending.cancel()
            await asyncio.wait({pending})


async def _next(messages: AsyncIterator[_T]) -> list[_T]:
    """The next message in a list, or an empty list: a task cannot raise StopAsyncIteration."""
    async for message in messages:
        return [message]
    return []
