"""The lines of a stream, however it is cut, and one that does not end."""

from collections.abc import AsyncIterator

import pytest

from model_server.engine_server.client import lines
from model_server.errors import GenerationFailed


async def read(*parts: bytes) -> list[bytes]:
    async def arriving() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return [line async for line in lines(arriving(), max_bytes=100)]


@pytest.mark.parametrize(
    "parts",
    [
        (b"data: a\n\ndata: b\n",),
        (b"da", b"ta: a\n", b"\ndata:", b" b\n"),
        (b"data: a\n\ndata: b",),
    ],
)
async def test_lines_are_whole_however_they_arrive(parts: tuple[bytes, ...]) -> None:
    assert await read(*parts) == [b"data: a", b"", b"data: b"]


async def test_a_line_that_does_not_end_is_an_error_with_words() -> None:
    with pytest.raises(GenerationFailed, match="an event of more than 100 bytes"):
        await read(*[b"x" * 60] * 3)
    assert await read(b"x" * 99 + b"\n", b"y" * 99) == [b"x" * 99, b"y" * 99]
