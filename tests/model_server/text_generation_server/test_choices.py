"""Several choices are several requests, and one answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from model_server.engine import Delta, FinishReason, Usage
from model_server.errors import EngineFailed, GenerationFailed, InferenceError, Overloaded
from model_server.text_generation_server.choices import join_choices


class _Choice:
    """Three deltas once `go` is set; `closed` afterwards."""

    def __init__(self, index: int, error: InferenceError | None = None) -> None:
        self.go = asyncio.Event()
        self.closed = False
        self._index = index
        self._error = error

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        try:
            await self.go.wait()
            if self._error:
                raise self._error
            for text in "ab":
                yield Delta(index=self._index, text=text, token_count=1)
            usage = Usage(prompt_tokens=5, completion_tokens=self._index + 3)
            yield Delta(index=self._index, text="c", finish_reason=FinishReason.STOP, usage=usage)
        finally:
            self.closed = True


@pytest.mark.parametrize("count", [1, 3])
async def test_the_last_delta_has_the_usage_of_all_choices(count: int) -> None:
    choices = [_Choice(index) for index in range(count)]
    for choice in choices:
        choice.go.set()
    deltas = [delta async for delta in join_choices([each.deltas() for each in choices])]
    for index in range(count):
        assert "".join(each.text for each in deltas if each.index == index) == "abc"
    assert [delta.usage for delta in deltas[:-1]] == [None] * (3 * count - 1)
    total = sum(index + 3 for index in range(count))
    assert deltas[-1].usage == Usage(prompt_tokens=5, completion_tokens=total)


async def test_a_choice_does_not_wait_for_another() -> None:
    slow, fast = _Choice(0), _Choice(1)
    fast.go.set()
    async with aclosing(join_choices([slow.deltas(), fast.deltas()])) as deltas:
        assert [(await anext(deltas)).index for _ in range(3)] == [1, 1, 1]
        slow.go.set()
        assert [delta.index async for delta in deltas] == [0, 0, 0]


async def test_closing_ends_all_choices() -> None:
    choices = [_Choice(0), _Choice(1)]
    choices[0].go.set()
    async with aclosing(join_choices([each.deltas() for each in choices])) as deltas:
        await anext(deltas)
    assert [each.closed for each in choices] == [True, True]


@pytest.mark.parametrize(
    ("error", "before", "after"),
    [
        (Overloaded("full"), Overloaded, GenerationFailed),
        (GenerationFailed("NaN"), GenerationFailed, GenerationFailed),
        (EngineFailed("gone"), EngineFailed, EngineFailed),
    ],
)
async def test_an_error_is_told_as_far_as_the_answer_got(
    error: InferenceError, before: type[Exception], after: type[Exception]
) -> None:
    good, bad = _Choice(0), _Choice(1, error)
    bad.go.set()
    with pytest.raises(InferenceError) as caught:
        _ = [delta async for delta in join_choices([good.deltas(), bad.deltas()])]
    assert type(caught.value) is before
    assert good.closed
    good, bad = _Choice(0), _Choice(1, error)
    good.go.set()
    with pytest.raises(InferenceError) as caught:
        async for _ in join_choices([good.deltas(), bad.deltas()]):
            bad.go.set()
    assert type(caught.value) is after
