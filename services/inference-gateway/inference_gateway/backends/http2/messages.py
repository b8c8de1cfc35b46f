"""gRPC's messages in the bytes of a stream: each has a head with its length. Pure."""

import struct
from collections.abc import Iterable

from grpc import StatusCode

from inference_gateway.backends.http2.status import CallError

_HEAD = struct.Struct(">?L")
HEAD_BYTES = _HEAD.size


def write_messages(messages: Iterable[bytes]) -> bytes:
    return b"".join(_HEAD.pack(False, len(message)) + message for message in messages)


class MessageReader:
    """Finds the messages in data that arrives in pieces."""

    __slots__ = ("_max_bytes", "_missing_bytes", "_partial")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._partial = bytearray()
        self._missing_bytes = 0

    @property
    def is_inside_message(self) -> bool:
        return bool(self._partial)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that this piece completes.

        Raises:
            CallError: one is longer than `max_bytes`, or compressed, which no call allows.
        """
        if self._partial:
            self._partial += data
            self._missing_bytes -= len(data)
            if self._missing_bytes > 0:
                return []
            data = bytes(self._partial)
            self._partial = bytearray()
        found: list[bytes] = []
        start, end = 0, len(data)
        while end - start >= HEAD_BYTES:
            compressed, size = _HEAD.unpack_from(data, start)
            if compressed:
                raise CallError(StatusCode.INTERNAL, "the server sent a compressed message")
            if size > self._max_bytes:
                raise CallError(
                    StatusCode.RESOURCE_EXHAUSTED,
                    f"the server's message has {size} bytes, of at most {self._max_bytes}",
                )
            stop = start + HEAD_BYTES + size
            if stop > end:
                self._keep(data[start:], stop - end)
                return found
            found.append(data[start + HEAD_BYTES : stop])
            start = stop
        if start < end:
            self._keep(data[start:], HEAD_BYTES - (end - start))
        return found

    def _keep(self, rest: bytes, missing_bytes: int) -> None:
        self._partial += rest
        self._missing_bytes = missing_bytes
