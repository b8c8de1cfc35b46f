"""The sockets of a client, which are gone when it is closed.

aiohttp leaves a connection whose request was given up to part from its server in peace, which
takes as long as the server likes, and keeps no account of it.
"""

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from aiohttp.connector import AddrInfoType

_PATIENCE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.005


class Sockets:
    def __init__(self) -> None:
        self._made: WeakSet[socket.socket] = WeakSet()

    def make(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family=family, type=kind, proto=protocol)
        self.add(made)
        return made

    def add(self, made: socket.socket) -> None:
        self._made.add(made)

    async def end(self) -> None:
        """Returns when the event loop has let go of each."""
        for each in self._open():
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while self._open():
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _open(self) -> list[socket.socket]:
        return [each for each in self._made if each.fileno() >= 0]


def run(work: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run` for clients whose sockets somebody else makes."""
    sockets = Sockets()
    with asyncio.Runner(loop_factory=lambda: _Loop(sockets)) as runner:
        try:
            runner.run(work)
        finally:
            runner.run(sockets.end())


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, sockets: Sockets) -> None:
        super().__init__()
        self._account = sockets

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        if (made := options.get("sock")) is not None:
            self._account.add(made)
        return await super().create_connection(*args, **options)
