"""Connects to one gRPC server, and again when the connection is lost."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress

from grpc import StatusCode

from inference_gateway.backends.http2.call import Call
from inference_gateway.backends.http2.connection import Connection
from inference_gateway.backends.http2.status import CallError
from inference_gateway.corked_transport import CorkedTransport

# Far more than a connection inside a cluster takes, and short enough to try the next model-server.
_CONNECT_TIMEOUT_SECONDS = 5.0
# A node that is gone without a word acknowledges nothing. Linux itself would wait for 15 minutes.
_UNACKNOWLEDGED_MILLISECONDS = 20_000
# Calls that begin together go out together; one does not wait for the next.
_MAX_WRITES = 64


class Channel:
    """One connection at a time to `target` (host:port), made by the first call that needs it."""

    def __init__(self, target: str, max_message_bytes: int) -> None:
        self._target = target
        self._max_message_bytes = max_message_bytes
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection | str] | None = None
        self._is_closed = False

    async def start(self, path: str, messages: Iterable[bytes], timeout_seconds: float) -> Call:
        """Starts a call with all of its messages.

        Raises:
            CallError: UNAVAILABLE, there is no connection; the call has not started.
        """
        connection = self._connection
        if connection is None or not connection.takes_calls or not connection.calls.has_room:
            connection = await self._usable_connection()
        return connection.start(path, messages, timeout_seconds)

    def renew(self) -> None:
        """Calls in flight finish on their connection; those to come get a new one."""
        if self._connection is not None:
            self._connection.retire()

    async def close(self, grace_seconds: float) -> None:
        """Waits up to `grace_seconds` for calls in flight, then ends them."""
        self._is_closed = True
        if self._connecting is not None:
            await self._connecting
        # No call can start on it from here on.
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while connection.calls:
                    await connection.calls.wait_for_change()
        connection.close(self._unavailable("the channel is closed"))

    async def _usable_connection(self) -> Connection:
        """A connection that takes a call now.

        Raises:
            CallError: UNAVAILABLE, there is none.
        """
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
                while True:
                    found = await self._connect_once()
                    if found.calls.has_room:
                        return found
                    await found.calls.wait_for_change()
        except TimeoutError:
            raise self._unavailable("no connection in time") from None

    async def _connect_once(self) -> Connection:
        """The connection. All callers wait for the same one.

        Raises:
            CallError: UNAVAILABLE, there is none.
        """
        if self._is_closed:
            raise self._unavailable("the channel is closed")
        if self._connection is not None and self._connection.takes_calls:
            return self._connection
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
        # A caller that leaves does not take the connection from the others.
        found = await asyncio.shield(self._connecting)
        if isinstance(found, str):
            raise self._unavailable(found)
        return found

    async def _connect(self) -> Connection | str:
        """A connection that takes calls, or why there is none."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
                return await self._open()
        except TimeoutError:
            return "no connection in time"
        except OSError as error:
            return f"failed to connect: {error}"
        finally:
            self._connecting = None

    async def _open(self) -> Connection:
        host, _, port = self._target.rpartition(":")
        loop = asyncio.get_running_loop()

        def new_connection() -> Connection:
            return Connection(
                self._target,
                self._max_message_bytes,
                lambda transport: CorkedTransport(transport, loop, _MAX_WRITES),
            )

        transport, connection = await loop.create_connection(
            new_connection, host.strip("[]"), int(port)
        )
        try:
            await connection.settled
            if not connection.takes_calls:
                raise ConnectionError("the server closed the connection")
        except BaseException:
            transport.abort()
            raise
        _notice_lost_peers(transport.get_extra_info("socket"))
        self._connection = connection
        return connection

    def _unavailable(self, reason: str) -> CallError:
        return CallError(
            StatusCode.UNAVAILABLE, f"{self._target}: {reason}", may_have_started=False
        )


def _notice_lost_peers(connected: socket.socket) -> None:
    # Only Linux has the option.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connected.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS
        )
