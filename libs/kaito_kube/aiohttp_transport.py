"""lightkube's requests, sent by aiohttp.

httpx2 sends each through three layers of its own and TLS in Python: that was more than half of
what a controller's processor did.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx2

from kaito_kube.proxies import proxy_for
from kaito_kube.sockets import Sockets

# Named by httpx2 in the request, where it is wanted.
_NOT_BY_ITSELF = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# How much later than it was asked to a server may end a watch.
_GRACE_SECONDS = 15.0
_SHORTEST_WATCH_SECONDS = 1.0


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Connections are kept and shared; as many are opened as there are calls at once."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._sockets = Sockets()
        self._opened: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        with _translated(request):
            answer = await self._session(request.url).request(
                request.method,
                str(request.url),
                data=request.content or None,
                headers=request.headers.multi_items(),
                allow_redirects=False,
                timeout=_patience(request),
            )
        body = (_WatchBody if _is_watch(request) else _Body)(request, answer)
        return httpx2.Response(answer.status, headers=_headers(answer), stream=body)

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.close()
            await self._sockets.end()

    def _session(self, url: httpx2.URL) -> aiohttp.ClientSession:
        """Belongs to the event loop that first asks through it. aiohttp itself would look for a
        proxy at every call, and into files."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._context, limit=0, socket_factory=self._sockets.make
                ),
                auto_decompress=False,
                skip_auto_headers=_NOT_BY_ITSELF,
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=proxy_for(url.scheme, url.host),
            )
        return self._opened


class _Body(httpx2.AsyncByteStream):
    def __init__(self, request: httpx2.Request, answer: aiohttp.ClientResponse) -> None:
        self._request = request
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated(self._request):
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        """Of a body that was not read to its end, the connection is of no use any more."""
        self._answer.close()


class _WatchBody(_Body):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        """lightkube begins the next watch without a pause: one that brings nothing and ends at
        once, as from a proxy with nothing behind it, is none."""
        loop, pieces = asyncio.get_running_loop(), 0
        began = loop.time()
        async for piece in super().__aiter__():
            pieces += 1
            yield piece
        if not pieces and loop.time() - began < _SHORTEST_WATCH_SECONDS:
            raise httpx2.ReadError("the watch ended as it began", request=self._request)


def _is_watch(request: httpx2.Request) -> bool:
    return bool(request.url.params.get("watch") == "true")


def _headers(answer: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    """lightkube takes for granted that every refusal says what it is made of."""
    found = list(answer.raw_headers)
    return found if "Content-Type" in answer.headers else [*found, (b"Content-Type", b"")]


def _patience(request: httpx2.Request) -> aiohttp.ClientTimeout:
    """A watch may be silent until the server has to end it; longer, and the connection is dead."""
    wanted = request.extensions.get("timeout") or {}
    read = wanted.get("read")
    if read is None and (lasts := request.url.params.get("timeoutSeconds")):
        read = float(lasts) + _GRACE_SECONDS
    return aiohttp.ClientTimeout(total=None, connect=wanted.get("connect"), sock_read=read)


@contextmanager
def _translated(request: httpx2.Request) -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error) or "no answer in time", request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error), request=request) from error
    except aiohttp.ClientError as error:
        words = str(error) or type(error).__name__
        raise httpx2.ReadError(words, request=request) from error
