"""Merging streams, and waiting for the first message."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from inference_gateway.stream_merging import merge_streams, wait_for_first


async def counting(limit: int, closed: list[int]) -> AsyncGenerator[int, None]:
    try:
        for number in range(limit):
            yield number
    finally:
        closed.append(limit)


async def failing() -> AsyncGenerator[int, None]:
    yield 0
    raise ValueError("broken")


@pytest.mark.parametrize("limits", [(3,), (3, 2)], ids=["one", "two"])
async def test_each_stream_stays_in_order(limits: tuple[int, ...]) -> None:
    closed: list[int] = []
    found = [item async for item in merge_streams([counting(limit, closed) for limit in limits])]
    for number, limit in enumerate(limits):
        assert [value for which, value in found if which == number] == list(range(limit))
    assert sorted(closed) == sorted(limits)


@pytest.mark.parametrize("others", [0, 1], ids=["one", "two"])
async def test_closing_closes_all_streams(others: int) -> None:
    closed: list[int] = []
    streams = [counting(100 + number, closed) for number in range(1 + others)]
    async with aclosing(merge_streams(streams)) as messages:
        await anext(messages)
    assert sorted(closed) == [100 + number for number in range(1 + others)]


async def test_failure_ends_all_streams() -> None:
    closed: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        async for _ in merge_streams([failing(), counting(100, closed)]):
            pass
    assert closed == [100]


async def test_streams_are_not_read_ahead() -> None:
    given = 0

    async def counted() -> AsyncGenerator[int, None]:
        nonlocal given
        for given in range(1, 1000):
            yield given

    async with aclosing(merge_streams([counted(), counted()])) as messages:
        await anext(messages)
        # Gives the pumps many chances to run ahead.
        for _ in range(20):
            await asyncio.sleep(0)
        assert given < 5


async def test_waiting_for_the_first_message_yields_none() -> None:
    gate = asyncio.Event()

    async def late() -> AsyncGenerator[int, None]:
        await gate.wait()
        yield 7

    found: list[int | None] = []
    async for first in wait_for_first(late(), 0.01, 60):
        found.append(first)
        if len(found) == 2:
            gate.set()
    assert found[:2] == [None, None]
    assert found[-1] == 7
