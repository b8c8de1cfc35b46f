"""HTTP to the engine's server, which listens on the pod's loopback address.

Knows neither requests nor answers. What goes wrong on the connection is an EngineFailed, since the
container restarts; the server's own errors are read by whoever knows their form.
"""

import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any

import aiohttp

from model_server.errors import EngineFailed, GenerationFailed, InferenceError

_CONNECT_SECONDS = 5.0
# uvicorn closes a connection that is idle for 5 seconds, and a request on its way then is lost.
_KEEP_ALIVE_SECONDS = 2.0
# The log probabilities of a prompt of a million tokens take about as much.
MAX_LINE_BYTES = 256 * 2**20
_DATA = b"data:"
_DONE = b"[DONE]"
# The error of a response, from its status, its body, and the field to blame if it names none.
ReadError = Callable[[int, bytes, str], InferenceError]


class EngineClient:
    """The server's routes. No time limit on answers: the caller cancels them."""

    def __init__(self, url: str, read_error: ReadError) -> None:
        self.url = url.rstrip("/")
        self._read_error = read_error
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _http(self) -> aiohttp.ClientSession:
        """The session, which belongs to the event loop of the first call."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                # One connection for each request: the model-server's admission is the limit.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                # The server is in the same pod: a proxy is never on the way, and no login either.
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def get(self, path: str) -> Any:
        """The JSON at a path; None if there is no such path.

        Raises:
            EngineFailed: the server does not answer, or not in JSON.
        """
        body = await self._get(path)
        if body is None:
            return None
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise EngineFailed(f"GET {path} of the engine answers no JSON") from error

    async def has(self, path: str) -> bool:
        """Whether a path answers with success; False if there is no such path.

        Raises:
            EngineFailed: the server does not answer, or with an error.
        """
        return await self._get(path) is not None

    async def _get(self, path: str) -> bytes | None:
        """The body of a successful response; None if there is no such path."""
        with _translated_errors():
            async with self._http.get(self.url + path) as response:
                if response.status == HTTPStatus.NOT_FOUND:
                    return None
                if not response.ok:
                    raise EngineFailed(f"GET {path} of the engine answers {response.status}")
                return await response.read()

    async def post(self, path: str, body: Mapping[str, Any], *, field: str) -> Any:
        """The JSON that a route answers. `field` is blamed if the server names none.

        Raises:
            InferenceError: the server answers with an error.
        """
        with _translated_errors():
            async with self._http.post(self.url + path, json=body) as response:
                answer = await response.read()
        if not response.ok:
            raise self._read_error(response.status, answer, field)
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            # Some routes answer a sentence.
            return answer.decode(errors="replace")

    async def stream(
        self, path: str, body: Mapping[str, Any], *, field: str
    ) -> AsyncGenerator[Any, None]:
        """The JSON of each event of a streamed answer, to its [DONE] or its end.

        Not every server sends a [DONE], so an answer is known to be whole by what it says.

        Raises:
            InferenceError: the server answers with an error.
            GenerationFailed: an event is no JSON.
        """
        with _translated_errors():
            async with self._http.post(self.url + path, json=body) as response:
                if not response.ok:
                    answer = await response.read()
                    raise self._read_error(response.status, answer, field)
                async for line in lines(response.content.iter_any()):
                    # Events of these APIs are one line each; comments keep the connection alive.
                    if not line.startswith(_DATA):
                        continue
                    data = line.removeprefix(_DATA).strip()
                    if data == _DONE:
                        return
                    yield _parse_event(data)

    @asynccontextmanager
    async def exchange(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Any request, and its response as the server sends it.

        Raises:
            EngineFailed: the server does not answer.
        """
        with _translated_errors():
            async with self._http.request(
                method, self.url + url, headers=headers, data=body, allow_redirects=False
            ) as response:
                yield response


@contextmanager
def _translated_errors() -> Iterator[None]:
    """What goes wrong on the connection is an EngineFailed."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        # A time limit has no words of its own.
        cause = str(error) or type(error).__name__
        raise EngineFailed(f"the engine's server does not answer: {cause}") from error


async def lines(
    parts: AsyncIterable[bytes], max_bytes: int = MAX_LINE_BYTES
) -> AsyncGenerator[bytes, None]:
    """The lines of a body. The reader's own limit is too low for the tokens of a long prompt.

    Raises:
        GenerationFailed: a line does not end.
    """
    rest = bytearray()
    async for part in parts:
        first, *others = part.split(b"\n")
        rest += first
        if len(rest) > max_bytes:
            raise GenerationFailed(f"the engine sends an event of more than {max_bytes} bytes")
        for line in others:
            yield bytes(rest)
            rest = bytearray(line)
    if rest:
        yield bytes(rest)


def _parse_event(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise GenerationFailed("an event of the engine's answer is no JSON") from error
