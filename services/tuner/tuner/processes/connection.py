"""A connection between the launchers of two nodes: messages of JSON, one a line."""

import json
import select
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

Message = Mapping[str, Any]

# A node that is cut off closes no connection: the kernel asks for it after 10 seconds of silence,
# every 5 seconds, and gives up after 3 questions, or 25 seconds after data that nobody confirms.
_KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000),
)
# Of one message; an error with a report on the data is the longest.
_MOST_BYTES = 1 << 20
_READ_BYTES = 1 << 16


class ConnectionLost(Exception):
    """The other end is gone."""


class Connection:
    """One end of it."""

    def __init__(self, connected: socket.socket) -> None:
        for level, option, value in _KEEP_ALIVE:
            connected.setsockopt(level, option, value)
        connected.settimeout(None)
        self._socket = connected
        self._read = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def address(self) -> str:
        """The IP address of the other end."""
        return str(self._socket.getpeername()[0])

    def send(self, event: str, **fields: Any) -> None:
        """Send a message. Whether the other end is gone shows when it is read from."""
        with suppress(OSError):
            self._socket.sendall(json.dumps({"event": event, **fields}).encode() + b"\n")

    def receive(self, seconds: float | None) -> Message | None:
        """The next message; None if there is none within so many `seconds`, if they are given.

        Raises:
            ConnectionLost: the other end is gone, or speaks another language.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._read:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._socket], [], [], left)[0]:
                return None
            self._read += self._received()
        line, _, self._read = self._read.partition(b"\n")
        return _parse(line)

    def close(self) -> None:
        self._socket.close()

    def _received(self) -> bytes:
        try:
            received = self._socket.recv(_READ_BYTES)
        except OSError as error:
            raise ConnectionLost from error
        if not received or len(self._read) > _MOST_BYTES:
            raise ConnectionLost
        return received


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConnectionLost from error
    if not isinstance(message, dict) or not isinstance(message.get("event"), str):
        raise ConnectionLost
    return message
