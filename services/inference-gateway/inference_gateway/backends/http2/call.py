"""One call: messages as they arrive, then its status."""

import asyncio
from typing import Protocol

from grpc import StatusCode

from inference_gateway.backends.http2.frames import CANCEL, DEFAULT_WINDOW_BYTES
from inference_gateway.backends.http2.headers import MAX_HEADERS_BYTES, Headers
from inference_gateway.backends.http2.messages import HEAD_BYTES, MessageReader
from inference_gateway.backends.http2.status import (
    CallError,
    from_http,
    from_reset,
    from_trailers,
    is_grpc,
)

# Half of what a server may send before its messages are read: few updates, and no pause.
_GRANTED_BYTES = DEFAULT_WINDOW_BYTES // 2


class Streams(Protocol):
    """What a call needs of its connection."""

    def grant(self, stream_id: int, size_bytes: int) -> None:
        """Lets the server send so much more."""
        ...

    def cancel(self, stream_id: int) -> None:
        """Ends the stream before its end."""
        ...


class Call:
    """Read by one task. Whoever starts a call cancels it at last, ended or not."""

    __slots__ = (
        "_deadline",
        "_error",
        "_has_ended",
        "_loop",
        "_messages",
        "_reader",
        "_received_bytes",
        "_stream_id",
        "_streams",
        "_unread_bytes",
        "_waiter",
    )

    def __init__(
        self,
        streams: Streams,
        stream_id: int,
        loop: asyncio.AbstractEventLoop,
        timeout_seconds: float,
        max_message_bytes: int,
    ) -> None:
        self._streams = streams
        self._stream_id = stream_id
        self._loop = loop
        self._reader = MessageReader(max_message_bytes)
        self._messages: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._error: CallError | None = None
        self._has_ended = False
        # Received and not granted again; of that, what is in complete messages.
        self._received_bytes = self._unread_bytes = 0
        self._deadline = loop.call_later(timeout_seconds, self._on_deadline)

    async def read(self) -> list[bytes]:
        """The messages that have arrived, at least one; none after the end of a successful call.

        Raises:
            CallError: the call failed. Messages that came before are read first.
        """
        while not self._messages:
            if self._error is not None:
                raise self._error
            if self._has_ended:
                break
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        messages, self._messages = self._messages, []
        self._unread_bytes = 0
        self._grant()
        return messages

    async def read_single(self) -> bytes:
        """The message of a call that has exactly one, once the call has succeeded.

        Raises:
            CallError: the call failed, or has another number of messages.
        """
        messages = await self.read()
        while len(messages) <= 1 and (more := await self.read()):
            messages += more
        if len(messages) != 1:
            raise CallError(
                StatusCode.INTERNAL, f"the server answered with {len(messages)} messages, not one"
            )
        return messages[0]

    def cancel(self) -> None:
        """Ends the call unless it has ended."""
        if not self._has_ended:
            self._break(CallError(StatusCode.CANCELLED, "the call was canceled"))

    def on_headers(self, headers: Headers | None, is_last: bool) -> None:
        """The headers of the response, or the trailers after its messages; None if too long."""
        if headers is None:
            message = f"the server's headers have more than {MAX_HEADERS_BYTES} bytes"
            self._break(CallError(StatusCode.INTERNAL, message))
        elif is_last:
            self.on_end(from_trailers(headers))
        # An informational status comes before the actual one.
        elif not is_grpc(headers) and not headers.get(":status", "").startswith("1"):
            self._break(from_http(headers))

    def on_data(self, data: bytes, frame_bytes: int) -> None:
        """The next piece of the messages, from a frame of that size."""
        try:
            found = self._reader.feed(data)
        except CallError as error:
            self._break(error)
            return
        self._received_bytes += frame_bytes
        if self._received_bytes > DEFAULT_WINDOW_BYTES:
            self._break(
                CallError(StatusCode.INTERNAL, "the server sent more than it was allowed to")
            )
            return
        for message in found:
            self._unread_bytes += HEAD_BYTES + len(message)
        self._messages += found
        self._grant()
        if found:
            self._wake()

    def on_reset(self, error_code: int) -> None:
        """The server has ended the call without a status."""
        # It counts the same time limit, and may be the first to notice that it has passed.
        if error_code == CANCEL and self._loop.time() >= self._deadline.when():
            self.on_end(_deadline_exceeded())
        else:
            self.on_end(from_reset(error_code))

    def on_end(self, error: CallError | None) -> None:
        """The server has ended the call, with this error or successfully."""
        self._has_ended = True
        if error is None and self._reader.is_inside_message:
            error = CallError(StatusCode.INTERNAL, "the stream ended inside a message")
        self._error = error
        self._deadline.cancel()
        self._wake()

    def _on_deadline(self) -> None:
        self._break(_deadline_exceeded())

    def _break(self, error: CallError) -> None:
        self.on_end(error)
        self._streams.cancel(self._stream_id)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _grant(self) -> None:
        # A message that is not complete has to go on; complete ones wait for their reader.
        read_bytes = self._received_bytes - self._unread_bytes
        if read_bytes >= _GRANTED_BYTES and not self._has_ended:
            self._received_bytes -= read_bytes
            self._streams.grant(self._stream_id, read_bytes)


def _deadline_exceeded() -> CallError:
    return CallError(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
