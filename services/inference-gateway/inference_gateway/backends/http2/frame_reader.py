"""Finds the frames in what a connection receives. Pure."""

from collections.abc import Iterator

from inference_gateway.backends.http2 import frames
from inference_gateway.backends.http2.frames import ProtocolError
from inference_gateway.backends.http2.headers import MAX_HEADERS_BYTES

# Type, flags, stream and payload.
Frame = tuple[int, int, int, bytes]


class FrameReader:
    """Headers that come in several frames are made one."""

    def __init__(self) -> None:
        self._rest = b""
        # The headers of which only the first frames have come: their flags, stream and bytes.
        self._open: tuple[int, int, bytes] | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that this piece completes. Read all of them before the next piece.

        Raises:
            ProtocolError: HTTP/2 has no such frames, or not in this order.
        """
        if self._rest:
            data = self._rest + data
        start, end = 0, len(data)
        while end - start >= frames.HEAD_BYTES:
            upper, lower, kind, flags, stream_id = frames.HEAD.unpack_from(data, start)
            size = upper << 8 | lower
            # No larger ones were allowed.
            if size > frames.DEFAULT_MAX_FRAME_BYTES:
                raise ProtocolError(f"a frame of {size} bytes")
            stop = start + frames.HEAD_BYTES + size
            if stop > end:
                break
            frame = (
                kind,
                flags,
                stream_id & frames.MAX_STREAM_ID,
                data[start + frames.HEAD_BYTES : stop],
            )
            start = stop
            if kind == frames.DATA and self._open is None:
                yield frame
            elif whole := self._with_whole_headers(*frame):
                yield whole
        self._rest = data[start:]

    def _with_whole_headers(
        self, kind: int, flags: int, stream_id: int, payload: bytes
    ) -> Frame | None:
        """The frame, with all of the headers that it ends; None if it does not end them."""
        if kind == frames.CONTINUATION:
            if self._open is None or self._open[1] != stream_id:
                raise ProtocolError("a continuation of nothing")
            first_flags, _, block = self._open
            flags = first_flags | flags & frames.END_HEADERS
            payload = block + payload
            self._open = None
        elif self._open is not None:
            raise ProtocolError("another frame between headers")
        elif kind != frames.HEADERS:
            return kind, flags, stream_id, payload
        else:
            payload = frames.content(payload, flags)
        if flags & frames.END_HEADERS:
            return frames.HEADERS, flags, stream_id, payload
        # Of what is longer than allowed, it is enough to see that it is.
        self._open = flags, stream_id, payload[: MAX_HEADERS_BYTES + 1]
        return None
