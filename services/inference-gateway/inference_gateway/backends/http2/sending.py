"""Sends the data of calls as fast as the server's flow control allows it."""

from collections.abc import Callable
from dataclasses import dataclass

from inference_gateway.backends.http2.frames import (
    DATA,
    DEFAULT_MAX_FRAME_BYTES,
    DEFAULT_WINDOW_BYTES,
    END_STREAM,
    MAX_WINDOW_BYTES,
    ProtocolError,
    frame,
)


@dataclass(slots=True)
class _Unsent:
    """What a stream has still to send, and how much of it the server takes now."""

    data: memoryview
    window_bytes: int


class Sender:
    """Sends all data of a stream, which ends with it. Most requests fit into one frame."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._window_bytes = DEFAULT_WINDOW_BYTES
        self._stream_window_bytes = DEFAULT_WINDOW_BYTES
        self._max_frame_bytes = DEFAULT_MAX_FRAME_BYTES
        self._unsent: dict[int, _Unsent] = {}

    def send(self, stream_id: int, head: bytes, data: bytes) -> None:
        """Sends `head` now, which opens the stream, and the data after it."""
        size = len(data)
        if size <= min(self._max_frame_bytes, self._window_bytes, self._stream_window_bytes):
            self._window_bytes -= size
            self._write(head + frame(DATA, END_STREAM, stream_id, data))
            return
        self._write(head)
        self._unsent[stream_id] = _Unsent(memoryview(data), self._stream_window_bytes)
        self._continue(stream_id)

    def is_sending(self, stream_id: int) -> bool:
        return stream_id in self._unsent

    def forget(self, stream_id: int) -> None:
        """Sends nothing more of a stream that has ended."""
        self._unsent.pop(stream_id, None)

    def set_max_frame(self, size_bytes: int) -> None:
        self._max_frame_bytes = size_bytes

    def set_stream_window(self, size_bytes: int) -> None:
        """The window that new streams begin with; those of open streams change as much."""
        change = size_bytes - self._stream_window_bytes
        self._stream_window_bytes = size_bytes
        for unsent in self._unsent.values():
            unsent.window_bytes += change
        self._continue_all()

    def add_window(self, stream_id: int, size_bytes: int) -> None:
        """The server takes so much more: of one stream, or, with 0, of all of them together.

        Raises:
            ProtocolError: more than HTTP/2 allows.
        """
        if not stream_id:
            self._window_bytes += size_bytes
            if self._window_bytes > MAX_WINDOW_BYTES:
                raise ProtocolError("a window that is too large")
            self._continue_all()
        elif unsent := self._unsent.get(stream_id):
            unsent.window_bytes += size_bytes
            self._continue(stream_id)

    def _continue_all(self) -> None:
        for stream_id in list(self._unsent):
            self._continue(stream_id)

    def _continue(self, stream_id: int) -> None:
        unsent = self._unsent[stream_id]
        while (
            size := min(
                len(unsent.data), self._max_frame_bytes, self._window_bytes, unsent.window_bytes
            )
        ) > 0:
            part, unsent.data = unsent.data[:size], unsent.data[size:]
            unsent.window_bytes -= size
            self._window_bytes -= size
            flags = 0 if unsent.data else END_STREAM
            self._write(frame(DATA, flags, stream_id, bytes(part)))
        if not unsent.data:
            del self._unsent[stream_id]
