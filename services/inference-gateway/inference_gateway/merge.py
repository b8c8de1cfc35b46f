"""Several streams as one, each message with its stream's number, none read ahead of its reader."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TypeVar

_T = TypeVar("_T")


async def numbered(
    streams: Sequence[AsyncGenerator[_T, None]],
) -> AsyncGenerator[tuple[int, _T], None]:
    """Messages as they come. The first failure ends all; closing this closes all."""
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for message in only:
                yield 0, message
        return
    queue: asyncio.Queue[tuple[int, _T] | BaseException | None] = asyncio.Queue(maxsize=1)
    pumps = [
        asyncio.create_task(_pump(number, stream, queue)) for number, stream in enumerate(streams)
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
    number: int,
    stream: AsyncGenerator[_T, None],
    queue: "asyncio.Queue[tuple[int, _T] | BaseException | None]",
) -> None:
    try:
        async with aclosing(stream) as messages:
            async for message in messages:
                await queue.put((number, message))
    except Exception as error:
        await queue.put(error)
    else:
        await queue.put(None)


async def first_within(
    messages: AsyncIterator[_T], pause_seconds: float
) -> AsyncGenerator[_T | None, None]:
    """Yields None after each `pause_seconds` of waiting, then the first message, if any."""
    pending = asyncio.ensure_future(_next(messages))
    try:
        while not (await asyncio.wait({pending}, timeout=pause_seconds))[0]:
            yield None
        for message in pending.result():
            yield message
    finally:
        if not pending.done():
            pending.cancel()
            await asyncio.wait({pending})


async def _next(messages: AsyncIterator[_T]) -> list[_T]:
    async for message in messages:
        return [message]
    return []
