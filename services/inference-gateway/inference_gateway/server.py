"""uvicorn with limits that it has none of: headers that come too slowly or are too long.

The class below is uvicorn's own place for such things (its `http` option takes a protocol class),
hence the inheritance.
"""

import asyncio
import math
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from inference_gateway.front import Front
from inference_gateway.settings import Limits, Settings

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def guarded(limits: Limits) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol, closing connections whose headers break the limits."""

    class Guarded(HttpToolsProtocol):
        header_timer: asyncio.TimerHandle | None = None
        header_bytes = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._headers_are_here()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.header_bytes = 0
            if self.header_timer is None:
                self._await_headers()

        def on_url(self, url: bytes) -> None:
            super().on_url(url)
            self._count(len(url))

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)
            self._count(len(name) + len(value))

        def on_headers_complete(self) -> None:
            self._headers_are_here()
            if not self.transport.is_closing():
                super().on_headers_complete()

        def _count(self, size: int) -> None:
            self.header_bytes += size
            if self.header_bytes > limits.max_header_bytes and not self.transport.is_closing():
                self.transport.write(_TOO_LONG)
                self.transport.close()

        def _await_headers(self) -> None:
            self.header_timer = self.loop.call_later(
                limits.header_timeout_seconds, self.timeout_keep_alive_handler
            )

        def _headers_are_here(self) -> None:
            if self.header_timer is not None:
                self.header_timer.cancel()
                self.header_timer = None

    return Guarded


def create_server(front: Front, settings: Settings, **changes: Any) -> uvicorn.Server:
    """The server of `front`, not started. SIGTERM lets answers in flight end."""
    limits = settings.limits
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": guarded(limits),
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": math.ceil(limits.idle_timeout_seconds),
        "timeout_graceful_shutdown": math.ceil(limits.shutdown_timeout_seconds),
    }
    return uvicorn.Server(uvicorn.Config(front, **(options | changes)))
