"""Who may come in: nobody while the model loads or the server drains, and only so many at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from model_server.errors import Overloaded, Unavailable


class State(StrEnum):
    """A server's life, in order."""

    LOADING = "loading"
    SERVING = "serving"
    DRAINING = "draining"


class Traffic:
    """Counts what is being answered."""

    def __init__(self, most: int) -> None:
        self.state = State.LOADING
        self._most = most
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def check(self) -> None:
        """Raise Unavailable unless the model can answer."""
        if self.state is State.LOADING:
            raise Unavailable("the model is loading; try again when the health check is SERVING")
        if self.state is State.DRAINING:
            raise Unavailable("the server is draining; another replica answers")

    @contextmanager
    def enter(self, choices: int) -> Iterator[None]:
        """Be inside while this lasts. Raises Unavailable, or Overloaded when there is no room."""
        self.check()
        if self._inside + choices > self._most:
            raise Overloaded(
                f"{self._inside} choices are being generated or wait, and KAITO_MAX_REQUESTS "
                f"allows {self._most}; try again later"
            )
        self._inside += choices
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= choices
            if not self._inside:
                self._empty.set()

    async def empty(self, seconds: float) -> bool:
        """Wait until all have left; False when the time ran out first."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True
