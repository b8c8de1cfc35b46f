"""Admission control: rejects requests while loading or draining, and above a limit."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from model_server.errors import Overloaded, Unavailable

logger = logging.getLogger(__name__)


class ServerPhase(StrEnum):
    """The phases of a server, in order."""

    LOADING = "loading"
    SERVING = "serving"
    DRAINING = "draining"


class AdmissionControl:
    """Counts the choices that are being generated or wait for it."""

    def __init__(self, max_choices: int) -> None:
        self.phase = ServerPhase.LOADING
        self._loading = "the model is loading"
        self.max_choices = max_choices
        self._admitted = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def report_loading(self, cause: str) -> None:
        """Log what is being waited for, and tell it to clients until the model can answer."""
        self._loading = cause
        logger.info(cause)

    def check_serving(self) -> None:
        """Check that the model can answer.

        Raises:
            Unavailable: the server is loading or draining.
        """
        if self.phase is ServerPhase.LOADING:
            raise Unavailable(f"{self._loading}; retry once the health check is SERVING")
        if self.phase is ServerPhase.DRAINING:
            raise Unavailable("the server is draining; retry to reach another replica")

    @contextmanager
    def admit(self, choices: int) -> Iterator[None]:
        """Count that many choices for as long as the context lasts.

        Raises:
            Unavailable: the server is loading or draining.
            Overloaded: the limit is reached.
        """
        self.check_serving()
        if self._admitted + choices > self.max_choices:
            raise Overloaded(
                f"{self._admitted} choices are running or waiting, and KAITO_MAX_REQUESTS "
                f"allows {self.max_choices}; retry later"
            )
        self._admitted += choices
        self._idle.clear()
        try:
            yield
        finally:
            self._admitted -= choices
            if not self._admitted:
                self._idle.set()

    async def wait_until_idle(self, timeout_seconds: float) -> bool:
        """Wait until no choice is left. False if the time runs out first."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
