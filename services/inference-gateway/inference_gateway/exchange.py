"""One HTTP request and its answer on bare ASGI, and what is to be known of it afterwards.

Knows bytes, headers and the client's leaving; knows no route, no model and no format.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

from inference_gateway.errors import CLIENT_CLOSED_REQUEST, Refused, body_too_large, body_too_slow
from inference_gateway.limits import Permit
from kaito.inference.v1 import inference_pb2 as pb

Headers = Sequence[tuple[bytes, bytes]]
_JSON: Headers = ((b"content-type", b"application/json"),)
_EVENTS: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class ClientGone(Exception):
    """The client closed the connection before its answer was complete."""


@dataclass(slots=True)
class Facts:
    """What the access log and the metrics say of a generation."""

    backend: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_seconds: float | None = None
    error: str = ""


class Exchange:
    """One request. `status` is 0 until the answer starts."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        request_id: str,
        clock: Callable[[], float],
    ) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self._clock = clock
        self._started_at = clock()
        self.request_id = request_id
        self.method: str = scope["method"]
        self.route = "other"
        self.status = 0
        self.finished = False
        self.headers: list[tuple[bytes, bytes]] = [(b"x-request-id", request_id.encode())]
        self.facts = Facts()

    @property
    def started(self) -> bool:
        """Whether the status line is on its way: from then on no other status can be given."""
        return self.status != 0

    def elapsed_seconds(self) -> float:
        return self._clock() - self._started_at

    async def send(self, message: Message) -> None:
        """ASGI's send, observed; for applications that speak ASGI themselves."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self.headers]
        elif not message.get("more_body", False):
            self.finished = True
        await self._send(message)

    async def body(self, permit: Permit, max_bytes: int, timeout_seconds: float) -> bytes:
        """The whole body. Refused with 413 as soon as it is known to be too long."""
        if self._declared_length() > max_bytes:
            raise Refused(body_too_large(max_bytes))
        chunks = bytearray()
        try:
            async with asyncio.timeout(timeout_seconds):
                more = True
                while more:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    piece = message.get("body", b"")
                    permit.hold(len(piece))
                    chunks += piece
                    if len(chunks) > max_bytes:
                        raise Refused(body_too_large(max_bytes))
                    more = message.get("more_body", False)
        except TimeoutError:
            raise Refused(body_too_slow(timeout_seconds)) from None
        return bytes(chunks)

    def _declared_length(self) -> int:
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value)
        return 0

    async def respond(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """A whole JSON answer."""
        length = (b"content-length", str(len(body)).encode())
        await self._start(status, [*_JSON, length, *headers])
        await self.write(body, last=True)

    async def open_events(self) -> None:
        """Starts a stream of server-sent events, if it has not started."""
        if not self.started:
            await self._start(200, _EVENTS)

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Returns when the client's connection can take more."""
        self.finished = last
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def _start(self, status: int, headers: Headers) -> None:
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, *self.headers],
            }
        )

    def first_token(self) -> None:
        """Marks that the answer's first text is here."""
        if self.facts.first_token_seconds is None:
            self.facts.first_token_seconds = self.elapsed_seconds()

    def count(self, model: str, usage: pb.Usage) -> None:
        """Adds what one prompt cost, and says who answered."""
        self.facts.model = model
        self.facts.prompt_tokens += usage.prompt_tokens
        self.facts.completion_tokens += usage.completion_tokens

    @asynccontextmanager
    async def client_present(self) -> AsyncIterator[None]:
        """Cancels what is inside as soon as the client leaves, and raises ClientGone.

        Only after the body was read: the two would take each other's messages.
        """
        task = asyncio.current_task()
        assert task is not None
        gone = False

        async def watch() -> None:
            nonlocal gone
            while (await self.receive())["type"] != "http.disconnect":
                pass
            if not self.finished:
                gone = True
                task.cancel()

        watcher = asyncio.create_task(watch())
        try:
            yield
        except asyncio.CancelledError:
            if not gone:
                raise
            task.uncancel()
            self.status = self.status or CLIENT_CLOSED_REQUEST
            raise ClientGone from None
        finally:
            watcher.cancel()
