"""An independent HTTP/2 server (h2) at the other end of a Connection, without sockets.

h2 raises when the client breaks the protocol, flow control included.
"""

import asyncio
from typing import TypeVar

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.settings import SettingCodes

from inference_gateway.backends.http2.call import Call
from inference_gateway.backends.http2.connection import Connection
from inference_gateway.backends.http2.messages import write_messages
from inference_gateway.backends.http2.status import CallError

_Event = TypeVar("_Event", bound=Event)
MAX_MESSAGE_BYTES = 2**20
METHOD = "/kaito.Service/Method"
OK = [("grpc-status", "0")]


async def error_of(call: Call) -> CallError:
    """Why a call with one answer failed."""
    with pytest.raises(CallError) as caught:
        await call.read_single()
    return caught.value


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


class Peer:
    """`piece_bytes` is how much of what it sends arrives at a time."""

    def __init__(self, piece_bytes: int = 2**20, **settings: int) -> None:
        self.piece_bytes = piece_bytes
        self.events: list[Event] = []
        self.wire = Wire()
        self.client = Connection("model:29500", MAX_MESSAGE_BYTES, lambda wire: wire)
        self.client.connection_made(self.wire)
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings({SettingCodes[name]: n for name, n in settings.items()})
        self.exchange()

    def exchange(self) -> None:
        """Carries bytes both ways until nobody has any."""
        while True:
            written, self.wire.written = self.wire.written, b""
            self.events += self.h2.receive_data(written) if written else []
            sent = self.h2.data_to_send()
            for start in range(0, len(sent), self.piece_bytes):
                self.client.data_received(sent[start : start + self.piece_bytes])
            if not sent and not self.wire.written:
                return

    def call(self, *messages: bytes) -> Call:
        call = self.client.start(METHOD, messages, 600)
        self.exchange()
        return call

    def answer(self, stream_id: int, *messages: bytes, trailers: list[tuple[str, str]]) -> None:
        """A whole answer."""
        self.begin(stream_id)
        self.send(stream_id, write_messages(messages))
        self.h2.send_headers(stream_id, trailers, end_stream=True)
        self.exchange()

    def begin(self, stream_id: int, status: str = "200") -> None:
        headers = [(":status", status), ("content-type", "application/grpc"), ("x-request", "r1")]
        self.h2.send_headers(stream_id, headers)

    def send(self, stream_id: int, data: bytes, pad_length: int | None = None) -> None:
        """Data in as many frames as it takes."""
        largest = self.h2.max_outbound_frame_size - 256
        for start in range(0, len(data), largest):
            self.h2.send_data(stream_id, data[start : start + largest], pad_length=pad_length)
            self.exchange()

    def seen(self, kind: type[_Event]) -> list[_Event]:
        """What has happened at this end."""
        return [event for event in self.events if isinstance(event, kind)]
