"""Tracks the sockets of an HTTP client, so that closing the client really closes them.

aiohttp closes the connection of a canceled request in the background: the TLS shutdown takes as
long as the server likes, and aiohttp keeps no record of it. The socket outlives its client.
"""

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from aiohttp.connector import AddrInfoType

# Closing takes a few iterations of the event loop; the limit keeps a stuck socket from blocking
# the process's exit.
_CLOSE_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.005


class Sockets:
    def __init__(self) -> None:
        self._created: WeakSet[socket.socket] = WeakSet()

    def create(self, address: AddrInfoType) -> socket.socket:
        """A socket factory for aiohttp's TCPConnector."""
        family, kind, protocol, _, _ = address
        created = socket.socket(family=family, type=kind, proto=protocol)
        self.add(created)
        return created

    def add(self, created: socket.socket) -> None:
        self._created.add(created)

    async def close(self) -> None:
        """Shuts the sockets down and waits until the event loop has closed each."""
        for each in self._open():
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                while self._open():
                    await asyncio.sleep(_POLL_SECONDS)

    def _open(self) -> list[socket.socket]:
        return [each for each in self._created if each.fileno() >= 0]


def run(work: Coroutine[Any, Any, None]) -> None:
    """Like `asyncio.run`, and closes the sockets of clients that create their own, such as kopf.

    The event loop tracks them.
    """
    sockets = Sockets()
    with asyncio.Runner(loop_factory=lambda: _TrackingLoop(sockets)) as runner:
        try:
            runner.run(work)
        finally:
            runner.run(sockets.close())


class _TrackingLoop(asyncio.SelectorEventLoop):
    def __init__(self, sockets: Sockets) -> None:
        super().__init__()
        self._sockets = sockets

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        if (created := options.get("sock")) is not None:
            self._sockets.add(created)
        return await super().create_connection(*args, **options)
