"""Several choices of one answer, each of them a request to the server of its own."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from model_server.engine import Delta
from model_server.errors import EngineFailed, GenerationFailed, InferenceError

Choice = AsyncGenerator[Delta, None]


async def join_choices(choices: Sequence[Choice]) -> AsyncGenerator[Delta, None]:
    """The deltas of all choices as they arrive. The last one has the usage of all.

    Each choice ends with a delta that has its own usage. Closing the iterator closes them all.

    Raises:
        InferenceError: that of a choice. Once there is a part of the answer, it is a
            GenerationFailed or an EngineFailed: what was sent cannot be taken back.
    """
    left, completion_tokens, has_begun = len(choices), 0, False
    async with aclosing(_merge(choices)) as deltas:
        try:
            async for delta in deltas:
                if usage := delta.usage:
                    left -= 1
                    completion_tokens += usage.completion_tokens
                    total = replace(usage, completion_tokens=completion_tokens)
                    delta = replace(delta, usage=None if left else total)
                has_begun = True
                yield delta
        except InferenceError as error:
            if has_begun and not isinstance(error, GenerationFailed | EngineFailed):
                raise GenerationFailed(
                    f"the engine gave up one of {len(choices)} choices: {error.message}"
                ) from error
            raise


async def _merge(choices: Sequence[Choice]) -> AsyncGenerator[Delta, None]:
    if len(choices) == 1:
        # Without a task for each delta.
        async with aclosing(choices[0]) as only:
            async for each in only:
                yield each
        return
    waiting = {asyncio.create_task(_next(choice)): choice for choice in choices}
    try:
        while waiting:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            # In their order: which of them is first must not depend on how a set is iterated.
            for task in [each for each in waiting if each.done()]:
                choice = waiting.pop(task)
                if (delta := task.result()) is not None:
                    yield delta
                    waiting[asyncio.create_task(_next(choice))] = choice
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for choice in choices:
            await choice.aclose()


async def _next(choice: Choice) -> Delta | None:
    return await anext(choice, None)
