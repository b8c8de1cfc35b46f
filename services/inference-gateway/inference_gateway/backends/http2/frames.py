"""HTTP/2 frames as bytes (RFC 9113). Pure."""

import struct
from collections.abc import Mapping

# Types.
DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    *(0, 1, 3, 4, 5, 6, 7, 8, 9),
)
# Flags.
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20
# Settings.
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 1, 2, 3, 4
MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 5, 6
# Error codes.
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0x0, 0x1, 0x7, 0x8, 0xB

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# What holds until settings say otherwise.
DEFAULT_WINDOW_BYTES = 65_535
DEFAULT_MAX_FRAME_BYTES = 16_384
MAX_WINDOW_BYTES = MAX_STREAM_ID = 2**31 - 1

_BOUNDS = {
    INITIAL_WINDOW_SIZE: (0, MAX_WINDOW_BYTES),
    MAX_FRAME_SIZE: (DEFAULT_MAX_FRAME_BYTES, 2**24 - 1),
}

# The length is a number of 24 bits: its upper 16, its lower 8.
HEAD = struct.Struct(">HBBBL")
HEAD_BYTES = HEAD.size
_NUMBER = struct.Struct(">L")
_SETTING = struct.Struct(">HL")


class ProtocolError(Exception):
    """The peer sent what HTTP/2 or gRPC forbids."""


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    size = len(payload)
    return HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream_id) + payload


def settings(values: Mapping[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in values.items()))


def read_settings(payload: bytes) -> dict[int, int]:
    """The settings by their numbers.

    Raises:
        ProtocolError: the payload is not a list of settings, or one is out of HTTP/2's bounds.
    """
    if len(payload) % _SETTING.size:
        raise ProtocolError("a SETTINGS frame of a wrong size")
    values = dict(_SETTING.iter_unpack(payload))
    for number, (least, most) in _BOUNDS.items():
        if number in values and not least <= values[number] <= most:
            raise ProtocolError(f"setting {number} = {values[number]}")
    return values


def window_update(stream_id: int, size_bytes: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream_id, _NUMBER.pack(size_bytes))


def reset(stream_id: int, error_code: int) -> bytes:
    return frame(RST_STREAM, 0, stream_id, _NUMBER.pack(error_code))


def goaway(error_code: int) -> bytes:
    """The server has no streams of its own, so the last one that was handled is 0."""
    return frame(GOAWAY, 0, 0, _NUMBER.pack(0) + _NUMBER.pack(error_code))


def read_number(payload: bytes, position: int = 0) -> int:
    """A number of 31 bits.

    Raises:
        ProtocolError: the payload is too short.
    """
    if len(payload) < position + _NUMBER.size:
        raise ProtocolError("a frame that is too short")
    number: int = _NUMBER.unpack_from(payload, position)[0]
    return number & MAX_STREAM_ID


def content(payload: bytes, flags: int) -> bytes:
    """The payload of a DATA or HEADERS frame without padding and, in HEADERS, priority.

    Raises:
        ProtocolError: there is more padding than payload.
    """
    start, padding = 0, 0
    if flags & PADDED:
        start, padding = 1, payload[0] if payload else 1
    if flags & PRIORITY:
        start += 5
    stop = len(payload) - padding
    if stop < start:
        raise ProtocolError("a frame with more padding than payload")
    return payload[start:stop]
