"""One call of RelayHttp: an HTTP exchange with the engine's own server, in the contract's messages.

What the engine answers passes as it is. Which routes there are, how large a body may be and how
many calls run at once is decided here.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from kaito.inference.v1 import inference_pb2 as pb
from model_server.calls.call import Call
from model_server.contract.serving_state import ServingState
from model_server.engine import HttpRequest, HttpResponseHead, RelayingEngine
from model_server.errors import InferenceError, InvalidRequest, NotSupported

# Recordings and images; a text as long as the longest context of a model has a tenth of it.
_MAX_BODY_BYTES = 64 * 2**20
# What speaks of one connection does not hold for the next (RFC 9110, 7.6.1), and the engine's
# server gets its own host and length.
_CONNECTION_HEADERS = frozenset(
    (
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# The body is passed on as the HTTP client decodes it, so the engine is asked not to compress it.
_REPLACED_HEADERS = frozenset(("accept-encoding", "content-encoding"))
# Of clients, these are none of the engine's business.
_SECRET_HEADERS = frozenset(("authorization", "cookie"))


class RelayCall(Call):
    """One call of RelayHttp."""

    def __init__(self, head: pb.HttpRequestHead, state: ServingState) -> None:
        super().__init__("RelayHttp", head.request_id, state)
        self._head = head

    async def parts(
        self, messages: AsyncIterator[pb.RelayHttpRequest]
    ) -> AsyncGenerator[pb.RelayHttpResponse, None]:
        """The engine's response. `messages` are those that follow the head.

        Raises:
            InferenceError: the request cannot be relayed, or the engine failed.
        """
        unread = _Body(messages)
        try:
            async with aclosing(self._relay(unread)) as response:
                async for part in response:
                    yield _to_message(part)
        except InferenceError:
            # A client that is still sending takes the end of the call for a broken connection.
            await unread.discard()
            raise

    async def _relay(self, body: "_Body") -> AsyncGenerator[HttpResponseHead | bytes, None]:
        head, state = self._head, self._state
        with state.admission.admit(1):
            served = state.require_served()
            adapter = served.adapters.resolve(head.model)
            self.model = adapter or state.name
            engine = served.engine
            if not isinstance(engine, RelayingEngine):
                raise NotSupported(
                    f"the engine, {served.model.engine}, has no HTTP server of its own"
                )
            if head.route not in served.model.http_routes:
                raise NotSupported(
                    f"{head.route!r:.100} is not relayed; GetModel lists the routes that are"
                )
            request = HttpRequest(
                route=head.route,
                query=head.query,
                headers=_request_headers(head),
                body=await body.read(),
                adapter=None,
            )
            async with (
                served.adapters.use(adapter) as engine_name,
                aclosing(engine.relay(replace(request, adapter=engine_name))) as response,
            ):
                async for part in response:
                    yield part


class _Body:
    """The messages that follow the head."""

    def __init__(self, messages: AsyncIterator[pb.RelayHttpRequest]) -> None:
        self._messages = messages
        self._size_bytes = 0

    async def read(self) -> bytes:
        """The whole body.

        Raises:
            InvalidRequest: it is too long, or a message is no part of it.
        """
        body = bytearray()
        async for message in self._messages:
            if message.WhichOneof("part") != "body":
                raise InvalidRequest(
                    "part", message.WhichOneof("part"), "all messages but the first are body"
                )
            body += message.body
            self._size_bytes += len(message.body)
            if self._size_bytes > _MAX_BODY_BYTES:
                raise InvalidRequest("body", f"over {_MAX_BODY_BYTES} bytes", "is too long")
        return bytes(body)

    async def discard(self) -> None:
        """Read on to the end, unless the body is too long."""
        async for message in self._messages:
            self._size_bytes += len(message.body)
            if self._size_bytes > _MAX_BODY_BYTES:
                return


async def first_head(messages: AsyncIterator[pb.RelayHttpRequest]) -> pb.HttpRequestHead:
    """The head, which is the first message; an empty one if it is missing."""
    async for message in messages:
        return message.head
    return pb.HttpRequestHead()


def _request_headers(head: pb.HttpRequestHead) -> tuple[tuple[str, str], ...]:
    dropped = _CONNECTION_HEADERS | _REPLACED_HEADERS | _SECRET_HEADERS
    kept = ((header.name.lower(), header.value) for header in head.headers)
    return (
        *(pair for pair in kept if pair[0] not in dropped),
        ("accept-encoding", "identity"),
        ("x-request-id", head.request_id),
    )


def _to_message(part: HttpResponseHead | bytes) -> pb.RelayHttpResponse:
    if isinstance(part, bytes):
        return pb.RelayHttpResponse(body=part)
    dropped = _CONNECTION_HEADERS | _REPLACED_HEADERS
    headers = [
        pb.HttpHeader(name=name.lower(), value=value)
        for name, value in part.headers
        if name.lower() not in dropped
    ]
    return pb.RelayHttpResponse(head=pb.HttpResponseHead(status=part.status, headers=headers))
