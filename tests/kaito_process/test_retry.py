"""Calls until one succeeds, in virtual time."""

import asyncio
import logging

import pytest

from kaito_process.retry import retry_until_done

pytestmark = pytest.mark.looptime
LOGGER = logging.getLogger("retry")


class Refused(Exception):
    pass


async def test_result_is_that_of_the_first_call_that_succeeds() -> None:
    calls = 0

    async def call() -> str:
        nonlocal calls
        calls += 1
        if calls < 20:
            raise Refused("no")
        return "done"

    began = asyncio.get_running_loop().time()
    assert await retry_until_done(call, Refused, "call", LOGGER) == "done"
    assert 200 < asyncio.get_running_loop().time() - began < 600


async def test_other_errors_are_raised() -> None:
    async def call() -> str:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await retry_until_done(call, Refused, "call", LOGGER)
