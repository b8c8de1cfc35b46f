"""One HTTP request and its response on bare ASGI, with what is logged about them.

Knows bytes, headers and client disconnects; knows no route, no model and no API format.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

from inference_gateway.admission import Admission
from inference_gateway.disconnection import CancelOnDisconnect, ClientDisconnected
from inference_gateway.errors import RequestRejected, body_too_large, body_too_slow
from inference_gateway.metering import UNMETERED, Meter
from kaito.inference.v1 import inference_pb2 as pb

Headers = Sequence[tuple[bytes, bytes]]
_JSON: Headers = ((b"content-type", b"application/json"),)
_EVENT_STREAM: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # nginx buffers a proxied response unless this header forbids it.
    (b"x-accel-buffering", b"no"),
)


@dataclass(slots=True)
class RequestLog:
    """What the access log and the metrics report about a generation.

    `usages` counts the answers whose tokens are known, and `cut_events` the events of a relayed
    stream that did not tell all of its tokens.
    """

    backend: str = ""
    model: str = ""
    usages: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cut_events: int = 0
    first_token_seconds: float | None = None
    error: str = ""


class RequestContext:
    """One request. `status` is 0 until the response starts."""

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
        self.is_event_stream = False
        self.headers: list[tuple[bytes, bytes]] = [(b"x-request-id", request_id.encode())]
        self.log = RequestLog()
        self.meter: Meter = UNMETERED

    @property
    def started(self) -> bool:
        """Whether the status line has been sent: the status can no longer change."""
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

    async def read_body(
        self, admission: Admission, max_bytes: int, timeout_seconds: float
    ) -> bytes:
        """The whole request body.

        Raises:
            RequestRejected: 413 as soon as the body is known to be too large, 408 when it does not
                arrive in time, 429 when all bodies together are too large.
            ClientDisconnected: the client closed the connection.
        """
        # A body without content-length is counted as it arrives.
        if self._declared_length() > max_bytes:
            raise RequestRejected(body_too_large(max_bytes))
        body = bytearray()
        try:
            async with asyncio.timeout(timeout_seconds):
                more = True
                while more:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnected
                    chunk = message.get("body", b"")
                    admission.hold(len(chunk))
                    body += chunk
                    if len(body) > max_bytes:
                        raise RequestRejected(body_too_large(max_bytes))
                    more = message.get("more_body", False)
        except TimeoutError:
            raise RequestRejected(body_too_slow(timeout_seconds)) from None
        return bytes(body)

    def _declared_length(self) -> int:
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value)
        return 0

    def header(self, name: bytes) -> str:
        """The value of a header of the request, whose name is in lower case; empty without it."""
        for each, value in self.scope["headers"]:
            if each == name:
                found: bytes = value
                return found.decode("latin-1")
        return ""

    async def respond(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """Sends a whole JSON response."""
        length = (b"content-length", str(len(body)).encode())
        await self._start(status, [*_JSON, length, *headers])
        await self.write(body, last=True)

    async def start_response(self, status: int, headers: Headers) -> None:
        """Starts a response whose body follows by `write`."""
        await self._start(status, headers)

    async def start_event_stream(self) -> None:
        """Starts a response of server-sent events unless it has already started."""
        if not self.started:
            await self._start(200, _EVENT_STREAM)

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Sends part of the body. Returns once the client's connection can take more."""
        self.finished = last
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def _start(self, status: int, headers: Headers) -> None:
        self.status = status
        self.is_event_stream = any(
            name == b"content-type" and value.startswith(b"text/event-stream")
            for name, value in headers
        )
        # An engine may name the request, too; its own name for it is ours.
        own = {name for name, _ in self.headers}
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*(each for each in headers if each[0] not in own), *self.headers],
            }
        )

    def record_first_token(self) -> None:
        """Records the time to the first token, once."""
        if self.log.first_token_seconds is None:
            self.log.first_token_seconds = self.elapsed_seconds()

    def record_usage(self, model: str, usage: pb.Usage) -> None:
        """Adds the tokens of one prompt, and records which model answered."""
        self.log.model = model
        self.log.usages += 1
        self.log.prompt_tokens += usage.prompt_tokens
        self.log.completion_tokens += usage.completion_tokens

    def cancel_on_disconnect(self) -> CancelOnDisconnect:
        """A context that ends when the client disconnects before the response is complete."""
        return CancelOnDisconnect(self.scope, lambda: self.finished)
