"""Connects to one gRPC server: one try at a time, and none too soon after one that failed."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from inference_gateway.backends.http2.connection import Connection
from inference_gateway.backends.http2.lost_peers import notice_lost_peer
from inference_gateway.corked_transport import CorkedTransport
from kaito_process.backoff import Backoff

# Far more than a connection inside a cluster takes, and short enough to try the next model-server.
CONNECT_TIMEOUT_SECONDS = 5.0
# A name may have several addresses, some of them of nodes that are gone. Those that are there
# answer within milliseconds, or after the second try of TCP, a second later.
_NEXT_ADDRESS_SECONDS = 1.5
# Between tries while a server is down. Short: a model-server that is back answers at once.
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5
# Calls that begin together go out together; one does not wait for the next.
_MAX_WRITES = 64


class Connector:
    """After a try that failed, the next ones fail for the same reason until a pause is over."""

    def __init__(self, target: str, max_message_bytes: int, clock: Callable[[], float]) -> None:
        self._target = target
        self._max_message_bytes = max_message_bytes
        self._clock = clock
        self._backoff = _new_backoff()
        self._last_failure = ""
        self._next_try = clock()

    async def connect(self) -> Connection | str:
        """A connection that takes calls, or why there is none."""
        if self._clock() < self._next_try:
            return self._last_failure
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                connection = await self._open()
        except TimeoutError:
            return self._fail("no connection in time")
        # UnicodeError: what cannot be a name.
        except (OSError, UnicodeError) as error:
            return self._fail(f"failed to connect: {error}")
        self._backoff = _new_backoff()
        return connection

    def _fail(self, reason: str) -> str:
        self._last_failure = reason
        now = self._clock()
        self._next_try = now + self._backoff.next_seconds(now)
        return reason

    async def _open(self) -> Connection:
        """A connection to the first address of the name that answers.

        Raises:
            OSError: there is none. It is the error of the last address.
        """
        host, _, port = self._target.rpartition(":")
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )
        *others, last = dict.fromkeys(address[0] for *_, address in found)
        for address in others:
            with suppress(OSError):
                async with asyncio.timeout(_NEXT_ADDRESS_SECONDS):
                    return await self._open_address(str(address), int(port))
        return await self._open_address(str(last), int(port))

    async def _open_address(self, address: str, port: int) -> Connection:
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(self._new_connection, address, port)
        try:
            await connection.settled
            if not connection.takes_calls:
                raise ConnectionError(connection.broken_by or "the server closed the connection")
        except BaseException:
            transport.abort()
            raise
        notice_lost_peer(transport.get_extra_info("socket"))
        return connection

    def _new_connection(self) -> Connection:
        loop = asyncio.get_running_loop()
        return Connection(
            self._target,
            self._max_message_bytes,
            lambda transport: CorkedTransport(transport, loop, _MAX_WRITES),
        )


def _new_backoff() -> Backoff:
    return Backoff(first_seconds=_FIRST_PAUSE_SECONDS, max_seconds=_LONGEST_PAUSE_SECONDS)
