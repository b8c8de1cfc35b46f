"""Connects to one gRPC server, and again when the connection is lost."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from grpc import StatusCode

from inference_gateway.backends.http2.call import Call
from inference_gateway.backends.http2.connection import Connection
from inference_gateway.backends.http2.connector import CONNECT_TIMEOUT_SECONDS, Connector
from inference_gateway.backends.http2.status import CallError


class Channel:
    """One connection at a time to `target` (host:port), made by the first call that needs it."""

    def __init__(
        self, target: str, max_message_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._target = target
        self._clock = clock
        self._connection: Connection | None = None
        # They take no more calls, and still have some.
        self._draining: list[Connection] = []
        self._connector = Connector(target, max_message_bytes, clock)
        self._connecting: asyncio.Task[Connection | str] | None = None
        self._is_closed = False

    async def start(self, path: str, messages: Iterable[bytes], timeout_seconds: float) -> Call:
        """Starts a call with all of its messages.

        Raises:
            CallError: UNAVAILABLE, there is no connection; the call has not started.
        """
        connection = self._connection
        if connection is None or not connection.takes_calls or not connection.calls.has_room:
            deadline = self._clock() + timeout_seconds
            connection = await self._usable_connection(
                min(timeout_seconds, CONNECT_TIMEOUT_SECONDS)
            )
            timeout_seconds = max(0.0, deadline - self._clock())
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
        connections = [each for each in (*self._draining, self._connection) if each]
        self._connection = None
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                for connection in connections:
                    while connection.calls:
                        await connection.calls.wait_for_change()
        for connection in connections:
            connection.close(CallError(StatusCode.UNAVAILABLE, self._text("the channel is closed")))

    async def _usable_connection(self, timeout_seconds: float) -> Connection:
        """A connection that takes a call now.

        Raises:
            CallError: UNAVAILABLE, there is none.
        """
        missing = "no connection in time"
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    found = await self._connect_once()
                    if found.calls.has_room:
                        return found
                    missing = (
                        f"the server takes {found.calls.max_calls} calls at a time, and none of "
                        "them ended in time"
                    )
                    await found.calls.wait_for_change()
        except TimeoutError:
            raise self._unavailable(missing) from None

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
            found = await self._connector.connect()
        finally:
            self._connecting = None
        if isinstance(found, Connection):
            # Here, for the callers may all have left.
            old = (*self._draining, self._connection)
            self._draining = [each for each in old if each and each.calls]
            self._connection = found
        return found

    def _unavailable(self, reason: str) -> CallError:
        return CallError(StatusCode.UNAVAILABLE, self._text(reason), may_have_started=False)

    def _text(self, reason: str) -> str:
        return f"{self._target}: {reason}"
