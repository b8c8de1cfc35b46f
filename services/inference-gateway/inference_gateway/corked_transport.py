"""A connection that sends together what is written in quick succession.

Sending is a system call, and the largest part of what a token costs the gateway. As long as the
gateway keeps up, every token goes out on its own and at once; tokens that wait go out together.
"""

import asyncio
from typing import Any

# Bounds how many tokens a client gets at once, and what a connection holds back.
MAX_WRITES = 8
MAX_BYTES = 16 * 1024


class CorkedTransport:
    """A transport that sends after a pass of the event loop in which nothing was written.

    A pass is what the loop does between two looks at its sockets. It takes microseconds when the
    loop is idle, and as long as another token of the stream needs to arrive when it is not.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        max_writes: int = MAX_WRITES,
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._max_writes = max_writes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._is_waiting = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        if len(self._held) >= self._max_writes or self._held_bytes >= MAX_BYTES:
            self._send()
        elif not self._is_waiting:
            self._is_waiting = True
            self._loop.call_soon(self._on_pass, 0)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _on_pass(self, seen_writes: int) -> None:
        writes = len(self._held)
        if writes > seen_writes:
            self._loop.call_soon(self._on_pass, writes)
        else:
            self._is_waiting = False
            self._send()

    def _send(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        # The client may have left meanwhile.
        if data and not self._transport.is_closing():
            self._transport.write(data)
