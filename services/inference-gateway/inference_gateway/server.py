"""uvicorn, with what it lacks: limits on headers, and tokens that wait are sent together.

Connections whose headers are too slow or too long are closed. uvicorn takes its HTTP protocol as a
class (the option `http`), hence the inheritance below.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from inference_gateway.application import Application
from inference_gateway.corked_transport import CorkedTransport
from inference_gateway.cors import with_cors
from inference_gateway.disconnection import CALL_ON_DISCONNECT
from inference_gateway.graceful_server import GracefulServer
from inference_gateway.settings import Limits, Settings

# Busy clients send their next request sooner. The model's pod and the front door's begin to stop
# that much earlier (graceful_stop.py, the chart).
_FAREWELL_SECONDS = 2.0
_HEADERS_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def create_protocol(limits: Limits) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol on corked transports, with limits on the headers' time and size."""

    class HeaderLimitedProtocol(HttpToolsProtocol):
        # More than 30 names in the dict of an instance would take another kilobyte of each.
        __slots__ = (
            "extensions",
            "header_bytes",
            "header_timer",
            "is_reading_headers",
            "on_disconnect",
        )

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.header_timer: asyncio.TimerHandle | None = None
            self.header_bytes = 0
            self.is_reading_headers = False
            self.on_disconnect: Callable[[], None] | None = None
            self.extensions: dict[str, Any] = {CALL_ON_DISCONNECT: self.call_on_disconnect}

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            corked = CorkedTransport(transport, self.loop)
            super().connection_made(corked)  # type: ignore[arg-type]
            self._start_header_timer()

        def call_on_disconnect(self, callback: Callable[[], None] | None) -> None:
            """The ASGI extension: one callback, for the request that is handled now."""
            self.on_disconnect = callback
            if callback is not None:
                # uvicorn pauses it for large bodies; the end of the connection is read, too.
                self.flow.resume_reading()
                if self.transport.is_closing():
                    callback()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # Most headers are in one piece, and need no timer.
            if self.is_reading_headers and self.header_timer is None:
                self._start_header_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_header_timer()
            super().connection_lost(exc)
            if self.on_disconnect is not None:
                self.on_disconnect()
            # It refers to this protocol.
            self.extensions.clear()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["extensions"] = self.extensions
            self.header_bytes = 0
            self.is_reading_headers = True

        def on_url(self, url: bytes) -> None:
            super().on_url(url)
            self._count(len(url))

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)
            self._count(len(name) + len(value))

        def on_headers_complete(self) -> None:
            self.is_reading_headers = False
            self._stop_header_timer()
            # The connection is closing if the headers were too long; the request must not run.
            if not self.transport.is_closing():
                super().on_headers_complete()

        def _count(self, size: int) -> None:
            self.header_bytes += size
            if self.header_bytes > limits.max_header_bytes and not self.transport.is_closing():
                self.transport.write(_HEADERS_TOO_LONG)
                self.transport.close()

        def _start_header_timer(self) -> None:
            self.header_timer = self.loop.call_later(
                limits.header_timeout_seconds, self.timeout_keep_alive_handler
            )

        def _stop_header_timer(self) -> None:
            if self.header_timer is not None:
                self.header_timer.cancel()
                self.header_timer = None

    return HeaderLimitedProtocol


def create_server(
    application: Application,
    settings: Settings,
    *,
    farewell_seconds: float = _FAREWELL_SECONDS,
    **changes: Any,
) -> GracefulServer:
    """The server of the application, not started. SIGTERM lets answers in flight finish."""
    limits = settings.limits
    farewell_seconds = min(farewell_seconds, limits.shutdown_timeout_seconds / 2)
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": create_protocol(limits),
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        # Logs are JSON (kaito_process.logs), and the application logs the requests.
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": math.ceil(limits.idle_timeout_seconds),
        "timeout_graceful_shutdown": math.ceil(limits.shutdown_timeout_seconds - farewell_seconds),
    }
    served = with_cors(application, settings.cors_origins)
    return GracefulServer(
        uvicorn.Config(served, **(options | changes)),
        farewell_seconds=farewell_seconds,
        shutdown_seconds=limits.shutdown_timeout_seconds,
    )
