"""HTTP to the engine's server, which listens on the pod's loopback address.

Knows the server's errors; knows neither requests nor answers, but for the names of fields.

    connection refused, reset   EngineFailed: the container restarts
    400, 404, 413, 422          InvalidRequest: the server names the cause
    429                         Overloaded
    any other status            GenerationFailed: other requests are not affected
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2

from model_server.errors import (
    EngineFailed,
    GenerationFailed,
    InferenceError,
    InvalidRequest,
    Overloaded,
)
from model_server.openai_server.request_bodies import contract_field

_REJECTED = (400, 404, 413, 422)
_CONNECT_SECONDS = 5.0
# uvicorn closes a connection that is idle for 5 seconds, and a request on its way then is lost.
_KEEP_ALIVE_SECONDS = 2.0
# How much of a server's error is shown.
_MAX_ERROR_CHARACTERS = 500
_DONE = "[DONE]"


class EngineClient:
    """The server's routes. No time limit on answers: the caller cancels them."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.AsyncClient(
            base_url=url,
            timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
            # One connection for each request: the model-server's admission is the limit.
            limits=httpx2.Limits(
                max_connections=None,
                max_keepalive_connections=64,
                keepalive_expiry=_KEEP_ALIVE_SECONDS,
            ),
            # The server is in the same pod: a proxy is never on the way.
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> Any:
        """The JSON at a path; None if there is no such path.

        Raises:
            EngineFailed: the server does not answer, or not in JSON.
        """
        response = await self._get(path)
        if response is None:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise EngineFailed(f"GET {path} of the engine answers no JSON") from error

    async def has(self, path: str) -> bool:
        """Whether a path answers with success; False if there is no such path.

        Raises:
            EngineFailed: the server does not answer, or with an error.
        """
        return await self._get(path) is not None

    async def _get(self, path: str) -> httpx2.Response | None:
        """The successful response; None if there is no such path."""
        with _translated_errors():
            try:
                response = await self._http.get(path)
            except httpx2.ReadError:
                # The server has closed the connection of the request before, after an error.
                response = await self._http.get(path)
        if response.status_code == httpx2.codes.NOT_FOUND:
            return None
        if response.is_error:
            raise EngineFailed(f"GET {path} of the engine answers {response.status_code}")
        return response

    async def post(self, path: str, body: Mapping[str, Any], *, field: str) -> Any:
        """The JSON that a route answers. `field` is blamed if the server names none.

        Raises:
            InferenceError: by the table above.
        """
        with _translated_errors():
            response = await self._http.post(path, json=body)
        if response.is_error:
            raise _rejection(response.status_code, response.content, field)
        try:
            return response.json()
        except ValueError:
            # Some routes answer a sentence.
            return response.text

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
        """The JSON of each event of a streamed answer, to its [DONE] or its end.

        `transformers serve` sends no [DONE], so an answer is known to be whole by what it says.

        Raises:
            InferenceError: by the table above.
            GenerationFailed: an event is no JSON.
        """
        with _translated_errors():
            async with self._http.stream("POST", path, json=body) as response:
                if response.is_error:
                    raise _rejection(response.status_code, await response.aread(), "input")
                async for line in response.aiter_lines():
                    # Events of this API are one line each; comments keep the connection alive.
                    if not line.startswith("data:"):
                        continue
                    data = line.removeprefix("data:").strip()
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
    ) -> AsyncIterator[httpx2.Response]:
        """Any request, and its response as the server sends it.

        Raises:
            EngineFailed: the server does not answer.
        """
        with _translated_errors():
            async with self._http.stream(method, url, headers=headers, content=body) as response:
                yield response


@contextmanager
def _translated_errors() -> Iterator[None]:
    """What goes wrong on the connection is an EngineFailed."""
    try:
        yield
    except httpx2.TransportError as error:
        raise EngineFailed(f"the engine's server does not answer: {error!r}") from error


def _parse_event(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise GenerationFailed("an event of the engine's answer is no JSON") from error


def _rejection(status: int, body: bytes, default_field: str) -> InferenceError:
    """The error of a status that is no success. `body` is of OpenAI's form, or of any other."""
    message, field = _read_error(body)
    if status in _REJECTED:
        own = contract_field(field) or field or default_field
        return InvalidRequest(own, "...", f"the engine rejects it: {message}")
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return Overloaded(f"the engine is full: {message}")
    return GenerationFailed(f"the engine answers {status}: {message}")


def _read_error(body: bytes) -> tuple[str, str | None]:
    """Message and field of an error."""
    text = body.decode(errors="replace")
    try:
        error = json.loads(text)
        error = error.get("error", error)
        message, field = error.get("message") or error.get("detail") or text, error.get("param")
    except (ValueError, AttributeError, RecursionError):
        message, field = text, None
    return str(message)[:_MAX_ERROR_CHARACTERS], field if isinstance(field, str) else None
