"""uvicorn's server with an end that no client notices."""

import asyncio
import logging
import socket

import uvicorn
from uvicorn.protocols.http.flow_control import CLOSE_HEADER

from kaito_process.undelivered import wait_until_delivered

logger = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.05


class GracefulServer(uvicorn.Server):
    """Ends in three steps, in `shutdown_seconds` together.

    1. For `farewell_seconds` it goes on as before, but each answer says that it is the connection's
       last. uvicorn closes idle connections at once, also one that a client has just sent its next
       request on; busy clients have moved on by then.
    2. uvicorn's own: no more requests, and those in flight are finished.
    3. It waits until the clients have received what they were sent (kaito_process.undelivered).
    """

    def __init__(
        self, config: uvicorn.Config, *, farewell_seconds: float, shutdown_seconds: float
    ) -> None:
        super().__init__(config)
        self._farewell_seconds = farewell_seconds
        self._shutdown_seconds = shutdown_seconds
        self.says_farewell = False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        now = asyncio.get_running_loop().time
        deadline = now() + self._shutdown_seconds
        ports = [each.getsockname()[1] for server in self.servers for each in server.sockets]
        logger.info("saying farewell", extra={"seconds": self._farewell_seconds})
        await self._say_farewell(now() + self._farewell_seconds)
        await super().shutdown(sockets)
        for port in ports:
            await wait_until_delivered(port, deadline - now())

    async def _say_farewell(self, until: float) -> None:
        state = self.server_state
        self.says_farewell = True
        state.default_headers = [*state.default_headers, CLOSE_HEADER]
        for connection in state.connections:
            cycle = getattr(connection, "cycle", None)
            # An answer that has begun can no longer say it.
            if cycle is not None and not cycle.response_started:
                cycle.keep_alive = False
        now = asyncio.get_running_loop().time
        while now() < until and not self.force_exit:
            await asyncio.sleep(_PAUSE_SECONDS)
