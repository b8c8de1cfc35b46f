"""A body that drips does not hold a pull up, and one that falters for a while is read."""

from collections.abc import Iterator

import pytest

from kaito_process.retry_policy import TransientError
from kaito_registry.paced import WINDOW_SECONDS, paced


class Body:
    """Chunks of so many bytes, each after so many seconds."""

    def __init__(self, *chunks: tuple[int, float]) -> None:
        self.now = 0.0
        self._chunks = chunks

    def clock(self) -> float:
        return self.now

    def __iter__(self) -> Iterator[bytes]:
        for size, seconds in self._chunks:
            self.now += seconds
            yield bytes(size)


def read(body: Body) -> int:
    return sum(len(chunk) for chunk in paced(body, body.clock))


def test_a_byte_now_and_then_ends_the_attempt() -> None:
    with pytest.raises(TransientError, match="only 3 bytes came in 75 seconds"):
        read(Body(*[(1, 25.0)] * 1000))


def test_a_stream_that_was_fast_and_drips_now_ends_too() -> None:
    with pytest.raises(TransientError):
        read(Body((2**30, 1.0), *[(1, 25.0)] * 1000))


@pytest.mark.parametrize(
    "body",
    [
        Body(),
        Body((100, WINDOW_SECONDS / 2)),
        Body((1, WINDOW_SECONDS / 2), (2**20, WINDOW_SECONDS / 2), (1, 1.0)),
        Body(*[(2**17, 59.0)] * 100),
    ],
    ids=["empty", "small", "falters", "slow"],
)
def test_a_body_that_comes_slowly_is_read(body: Body) -> None:
    assert read(body) == sum(size for size, _ in body._chunks)
