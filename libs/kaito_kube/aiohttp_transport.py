"""lightkube's requests, sent by aiohttp.

httpx2 sends each through three layers of its own and TLS in Python: that was more than half of
what a controller's processor did.
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2

# Named by httpx2 in the request, where it is wanted.
_NOT_BY_ITSELF = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Connections are kept and shared; as many are opened as there are calls at once."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
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
        return httpx2.Response(
            answer.status, headers=list(answer.raw_headers), stream=_Body(request, answer)
        )

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    def _session(self, url: httpx2.URL) -> aiohttp.ClientSession:
        """Belongs to the event loop that first asks through it."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._context, limit=0),
                auto_decompress=False,
                skip_auto_headers=_NOT_BY_ITSELF,
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=_proxy(url),
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


def _proxy(url: httpx2.URL) -> str | None:
    """As the environment names one; aiohttp itself would look into files at every call for it."""
    return None if proxy_bypass(url.host) else getproxies().get(url.scheme)


def _patience(request: httpx2.Request) -> aiohttp.ClientTimeout:
    wanted = request.extensions.get("timeout") or {}
    return aiohttp.ClientTimeout(
        total=None, sock_connect=wanted.get("connect"), sock_read=wanted.get("read")
    )


@contextmanager
def _translated(request: httpx2.Request) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error) or "no answer in time", request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error), request=request) from error
    except aiohttp.ClientError as error:
        words = str(error) or type(error).__name__
        raise httpx2.ReadError(words, request=request) from error
