"""One HTTP/2 connection to a gRPC server."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from grpc import StatusCode

from inference_gateway.backends.http2 import frames
from inference_gateway.backends.http2.call import Call
from inference_gateway.backends.http2.frame_reader import FrameReader
from inference_gateway.backends.http2.frames import ProtocolError, frame
from inference_gateway.backends.http2.headers import MAX_HEADERS_BYTES, read_block, request_block
from inference_gateway.backends.http2.messages import write_messages
from inference_gateway.backends.http2.open_calls import OpenCalls
from inference_gateway.backends.http2.sending import Sender
from inference_gateway.backends.http2.status import CallError

_SETTINGS = frames.settings(
    {
        frames.HEADER_TABLE_SIZE: 0,
        frames.ENABLE_PUSH: 0,
        frames.MAX_HEADER_LIST_SIZE: MAX_HEADERS_BYTES,
    }
)
# Each stream has its own window. A smaller one for all of them would let the streams whose readers
# are slow hold up the others.
_WINDOW_BYTES = frames.MAX_WINDOW_BYTES


class Output(Protocol):
    """Where a connection writes to."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def is_closing(self) -> bool: ...


class Connection(asyncio.Protocol):
    """`settled` is done once the server has sent its settings, or the connection is lost.

    `cork` makes of the connection's transport one that sends what is written together.
    """

    def __init__(
        self, authority: str, max_message_bytes: int, cork: Callable[[asyncio.Transport], Output]
    ) -> None:
        self._authority = authority
        self._max_message_bytes = max_message_bytes
        self._cork = cork
        self._loop = asyncio.get_running_loop()
        self.settled: asyncio.Future[None] = self._loop.create_future()
        self.calls = OpenCalls()
        self._reader = FrameReader()
        self._next_stream_id = 1
        self._is_ending = False
        # What the server sent that is not HTTP/2.
        self.broken_by = ""
        self._granted_bytes = _WINDOW_BYTES

    @property
    def takes_calls(self) -> bool:
        """Whether calls may start here, as soon as there is room."""
        return not self._is_ending and not self._transport.is_closing()

    def start(self, path: str, messages: Iterable[bytes], timeout_seconds: float) -> Call:
        """Starts a call with all of its messages."""
        stream_id = self._next_stream_id
        self._next_stream_id += 2
        if self._next_stream_id > frames.MAX_STREAM_ID:
            self._is_ending = True
        call = Call(self, stream_id, self._loop, timeout_seconds, self._max_message_bytes)
        self.calls.add(stream_id, call)
        block = request_block(self._authority, path, timeout_seconds)
        head = frame(frames.HEADERS, frames.END_HEADERS, stream_id, block)
        self._sender.send(stream_id, head, write_messages(messages))
        return call

    def grant(self, stream_id: int, size_bytes: int) -> None:
        self._transport.write(frames.window_update(stream_id, size_bytes))

    def cancel(self, stream_id: int) -> None:
        if self._remove(stream_id):
            self._transport.write(frames.reset(stream_id, frames.CANCEL))
            self._close_if_done()

    def retire(self) -> None:
        """Takes no more calls, and ends with the last of those in flight."""
        self._is_ending = True
        # Calls that wait for room here go elsewhere.
        self.calls.report_change()
        self._close_if_done()

    def close(self, error: CallError) -> None:
        """Ends the connection; its calls fail with this error."""
        self._is_ending = True
        self.calls.fail(error)
        self._transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = self._cork(transport)
        self._sender = Sender(self._transport.write)
        window = frames.window_update(0, _WINDOW_BYTES - frames.DEFAULT_WINDOW_BYTES)
        self._transport.write(frames.PREFACE + _SETTINGS + window)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_ending = True
        reason = f"the connection to {self._authority} was lost" + (f": {exc}" if exc else "")
        self.calls.fail(CallError(StatusCode.UNAVAILABLE, reason))
        if not self.settled.done():
            self.settled.set_result(None)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, flags, stream_id, payload in self._reader.feed(data):
                if kind == frames.DATA:
                    self._on_data(flags, stream_id, payload)
                elif kind == frames.HEADERS:
                    self._on_headers(flags, stream_id, payload)
                else:
                    self._on_control(kind, flags, stream_id, payload)
        except ProtocolError as error:
            self._transport.write(frames.goaway(frames.PROTOCOL_ERROR))
            self.broken_by = f"the server does not speak HTTP/2: it sent {error}"
            self.close(CallError(StatusCode.INTERNAL, f"the server sent {error}"))

    def _on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        self._granted_bytes -= size
        if self._granted_bytes < _WINDOW_BYTES // 2:
            self.grant(0, _WINDOW_BYTES - self._granted_bytes)
            self._granted_bytes = _WINDOW_BYTES
        if flags & frames.PADDED:
            payload = frames.content(payload, frames.PADDED)
        # None for a call that was canceled while this was on its way.
        if call := self.calls.get(stream_id):
            call.on_data(payload, size)
        if flags & frames.END_STREAM and (call := self._finish(stream_id)):
            call.on_end(CallError(StatusCode.INTERNAL, "the answer ended without a status"))

    def _on_headers(self, flags: int, stream_id: int, block: bytes) -> None:
        if call := self.calls.get(stream_id):
            # Before the call is taken out: headers that cannot be read end all calls, this one too.
            headers = read_block(block)
            is_last = bool(flags & frames.END_STREAM)
            if is_last:
                self._finish(stream_id)
            call.on_headers(headers, is_last)

    def _on_control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if kind == frames.SETTINGS:
            if not flags & frames.ACK:
                self._on_settings(frames.read_settings(payload))
        elif kind == frames.WINDOW_UPDATE:
            self._sender.add_window(stream_id, frames.read_number(payload))
        elif kind == frames.PING:
            if not flags & frames.ACK:
                self._transport.write(frame(frames.PING, frames.ACK, 0, payload))
        elif kind == frames.RST_STREAM:
            error_code = frames.read_number(payload)
            if call := self._finish(stream_id):
                call.on_reset(error_code)
        elif kind == frames.GOAWAY:
            # Calls up to this stream go on; the server has not begun those after it.
            self._is_ending = True
            error = CallError(
                StatusCode.UNAVAILABLE, "the server is stopping", may_have_started=False
            )
            self.calls.fail(error, after_stream_id=frames.read_number(payload))
            self._close_if_done()
        elif kind == frames.PUSH_PROMISE:
            raise ProtocolError("a promise, which the settings forbid")
        # Others are extensions, which HTTP/2 ignores.

    def _on_settings(self, values: dict[int, int]) -> None:
        # First: the server takes what the settings newly allow only after it.
        self._transport.write(frame(frames.SETTINGS, frames.ACK, 0))
        if (size := values.get(frames.MAX_FRAME_SIZE)) is not None:
            self._sender.set_max_frame(size)
        if (size := values.get(frames.INITIAL_WINDOW_SIZE)) is not None:
            self._sender.set_stream_window(size)
        self.calls.max_calls = values.get(frames.MAX_CONCURRENT_STREAMS, self.calls.max_calls)
        self.calls.report_change()
        if not self.settled.done():
            self.settled.set_result(None)

    def _finish(self, stream_id: int) -> Call | None:
        """Takes out a call that the server has ended, maybe before it had the whole request."""
        if self._sender.is_sending(stream_id):
            self._transport.write(frames.reset(stream_id, frames.NO_ERROR))
        call = self._remove(stream_id)
        self._close_if_done()
        return call

    def _remove(self, stream_id: int) -> Call | None:
        self._sender.forget(stream_id)
        return self.calls.remove(stream_id)

    def _close_if_done(self) -> None:
        if self._is_ending and not self.calls:
            self._transport.close()
