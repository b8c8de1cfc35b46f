"""Sends lightkube's requests with aiohttp in place of httpx2's own transport.

httpx2 passes each request through three layers and does TLS in Python, which took more than half
of a controller's CPU time.
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import httpx2

from kaito_kube.clock import SteadyClock
from kaito_kube.proxies import proxy_for
from kaito_kube.sockets import Sockets

# httpx2 sets these headers where they are needed; aiohttp must not add its own.
_SKIPPED_AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# How much later than requested a server may end a watch before the connection counts as dead.
_WATCH_GRACE_SECONDS = 15.0


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Keeps and shares connections, and opens as many as there are concurrent requests. `clock`
    adopts the server's time."""

    def __init__(self, context: ssl.SSLContext, clock: SteadyClock | None = None) -> None:
        self._context = context
        self._clock = clock
        self._sockets = Sockets()
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        with _translated(request):
            response = await self._get_session(request.url).request(
                request.method,
                str(request.url),
                data=request.content or None,
                headers=request.headers.multi_items(),
                allow_redirects=False,
                timeout=_timeout(request),
            )
        if self._clock is not None and (moment := _date(response)) is not None:
            self._clock.adopt(moment)
        body = (_WatchBody if _is_watch(request) else _Body)(request, response)
        return httpx2.Response(response.status, headers=_headers(response), stream=body)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            await self._sockets.close()

    def _get_session(self, url: httpx2.URL) -> aiohttp.ClientSession:
        """Creates the session with the first request, which also decides its event loop.

        The proxy is looked up once; aiohttp's trust_env would do it, and read files, for every
        request.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    # Every watch occupies a connection for good, so there is no limit.
                    ssl=self._context,
                    limit=0,
                    socket_factory=self._sockets.create,
                ),
                # httpx2 decompresses the body itself.
                auto_decompress=False,
                skip_auto_headers=_SKIPPED_AUTO_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=proxy_for(url.scheme, url.host),
            )
        return self._session


class _Body(httpx2.AsyncByteStream):
    def __init__(self, request: httpx2.Request, response: aiohttp.ClientResponse) -> None:
        self._request = request
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated(self._request):
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        """Closes the connection unless the body was read to its end: then it is reused."""
        self._response.close()


class WatchEnded(httpx2.ReadError):
    """The server ended a watch regularly. lightkube would otherwise start the next one by itself,
    and nobody would know that the server still answers."""


class _WatchBody(_Body):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        last = b""
        async for chunk in super().__aiter__():
            last = chunk
            yield chunk
        if not self._response.ok:
            return
        if last and not last.endswith(b"\n"):
            # An unfinished line must still be read, and refused.
            yield b"\n"
        raise WatchEnded("the server ended the watch", request=self._request)


def _is_watch(request: httpx2.Request) -> bool:
    return bool(request.url.params.get("watch") == "true")


def _date(response: aiohttp.ClientResponse) -> datetime | None:
    """When the server sent the response; None if it does not say."""
    try:
        moment = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _headers(response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    """Adds an empty Content-Type where there is none: lightkube expects one in every error."""
    headers = list(response.raw_headers)
    return headers if "Content-Type" in response.headers else [*headers, (b"Content-Type", b"")]


def _timeout(request: httpx2.Request) -> aiohttp.ClientTimeout:
    """The request's timeouts. A watch that is silent beyond its requested end counts as dead."""
    requested = request.extensions.get("timeout") or {}
    read = requested.get("read")
    if read is None and (watch_seconds := request.url.params.get("timeoutSeconds")):
        read = float(watch_seconds) + _WATCH_GRACE_SECONDS
    return aiohttp.ClientTimeout(total=None, connect=requested.get("connect"), sock_read=read)


@contextmanager
def _translated(request: httpx2.Request) -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error) or "no response in time", request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error), request=request) from error
    except aiohttp.ClientError as error:
        message = str(error) or type(error).__name__
        raise httpx2.ReadError(message, request=request) from error
