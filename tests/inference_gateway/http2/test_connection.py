"""Calls over one connection, at whose other end is an HTTP/2 implementation of somebody else."""

import asyncio
from collections.abc import Callable

import pytest
from grpc import StatusCode
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
)
from h2.settings import SettingCodes

from inference_gateway.backends.http2.frames import frame
from inference_gateway.backends.http2.messages import write_messages
from tests.inference_gateway.http2.peer import MAX_MESSAGE_BYTES, METHOD, OK, Peer, error_of


async def test_call_is_sent_as_grpc_has_it() -> None:
    peer = Peer()
    peer.call(b"ask")
    (request,) = peer.seen(RequestReceived)
    assert {str(name): str(value) for name, value in request.headers} == {
        ":method": "POST",
        ":scheme": "http",
        ":path": METHOD,
        ":authority": "model:29500",
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": "kaito-inference-gateway",
        "grpc-timeout": "600000m",
    }
    (data,) = peer.seen(DataReceived)
    assert data.data == b"\0\0\0\0\x03ask"
    assert peer.seen(StreamEnded)


@pytest.mark.parametrize("piece_bytes", [1, 2, 7, 10_000])
async def test_answers_of_interleaved_calls_are_whole_in_whatever_pieces_they_come(
    piece_bytes: int,
) -> None:
    peer = Peer(piece_bytes)
    calls = [peer.call(b"ask") for _ in range(3)]
    for stream_id in (1, 3, 5):
        peer.begin(stream_id)
    for number in range(3):
        for stream_id in (5, 1, 3):
            peer.send(stream_id, write_messages([b"%d of %d" % (number, stream_id), b""]))
    for stream_id in (3, 5, 1):
        peer.h2.send_headers(stream_id, OK, end_stream=True)
    peer.exchange()
    for stream_id, call in zip((1, 3, 5), calls, strict=True):
        expected = [[b"%d of %d" % (number, stream_id), b""] for number in range(3)]
        assert await call.read() == [message for pair in expected for message in pair]
        assert await call.read() == []


async def test_one_call_after_the_other_uses_no_memory_of_headers() -> None:
    peer = Peer()
    for stream_id in range(1, 21, 2):
        call = peer.call(b"ask")
        peer.answer(stream_id, b"answer", trailers=OK)
        assert await call.read_single() == b"answer"
        call.cancel()
    assert len(peer.seen(RequestReceived)) == 10
    assert not peer.seen(StreamReset)


async def test_padding_is_no_part_of_a_message() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.begin(1)
    peer.send(1, write_messages([b"answer"]), pad_length=9)
    assert await call.read() == [b"answer"]


async def test_long_trailers_come_in_several_frames() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    text = "why, " * 8000 + "indeed"
    peer.answer(1, trailers=[("grpc-status", "3"), ("grpc-message", text)])
    error = await error_of(call)
    assert (error.code, error.message) == (StatusCode.INVALID_ARGUMENT, text)


@pytest.mark.parametrize("settings", [{}, {"INITIAL_WINDOW_SIZE": 999}, {"MAX_FRAME_SIZE": 20_000}])
async def test_long_request_waits_for_the_servers_windows(settings: dict[str, int]) -> None:
    peer = Peer(**settings)
    message = bytes(range(256)) * 1024
    peer.call(message)
    received = b""
    while new := peer.seen(DataReceived):
        has_ended, peer.events = bool(peer.seen(StreamEnded)), []
        for event in new:
            received += event.data
            peer.h2.increment_flow_control_window(len(event.data))
            if not has_ended:
                peer.h2.increment_flow_control_window(len(event.data), 1)
        peer.exchange()
    assert has_ended
    assert received == write_messages([message])


async def test_window_that_grows_by_settings_continues_a_request() -> None:
    peer = Peer(INITIAL_WINDOW_SIZE=10)
    peer.call(b"x" * 1000)
    assert not peer.seen(StreamEnded)
    peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 60_000})
    peer.exchange()
    assert peer.seen(StreamEnded)


async def test_server_waits_for_a_reader_that_does_not_read() -> None:
    peer = Peer()
    call, other = peer.call(b"ask"), peer.call(b"ask")
    peer.begin(1)
    sent = 0
    while peer.h2.local_flow_control_window(1) > 4096:
        peer.send(1, write_messages([b"x" * 4000]))
        sent += 1
    assert sent == 16
    peer.answer(3, b"answer", trailers=OK)
    assert await other.read_single() == b"answer"
    assert len(await call.read()) == sent
    peer.exchange()
    assert peer.h2.local_flow_control_window(1) > 32_768


async def test_message_larger_than_the_window_arrives() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    message = bytes(range(256)) * 2048
    peer.answer(1, message, trailers=OK)
    assert await call.read_single() == message


async def test_canceled_call_ends_at_the_server_and_ignores_what_is_on_its_way() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.begin(1)
    peer.h2.send_data(1, write_messages([b"late"]))
    late = peer.h2.data_to_send()
    call.cancel()
    peer.client.data_received(late)
    peer.exchange()
    (reset,) = peer.seen(StreamReset)
    assert reset.error_code == ErrorCodes.CANCEL
    assert (await error_of(call)).code is StatusCode.CANCELLED


async def test_server_may_answer_before_it_has_the_whole_request() -> None:
    peer = Peer()
    call = peer.call(b"x" * 200_000)
    peer.answer(1, trailers=[("grpc-status", "8"), ("grpc-message", "too%20long")])
    error = await error_of(call)
    assert (error.code, error.message) == (StatusCode.RESOURCE_EXHAUSTED, "too long")
    (reset,) = peer.seen(StreamReset)
    assert reset.error_code == ErrorCodes.NO_ERROR
    again = peer.call(b"ask")
    peer.answer(3, b"answer", trailers=OK)
    assert await again.read_single() == b"answer"


async def test_server_that_stops_finishes_what_it_has_begun() -> None:
    peer = Peer()
    begun, refused = peer.call(b"ask"), peer.call(b"ask")
    peer.h2.close_connection(last_stream_id=1)
    # h2 sends nothing more; the rest of the first answer is written by hand.
    peer.client.data_received(peer.h2.data_to_send())
    assert not peer.client.takes_calls
    error = await error_of(refused)
    assert error.code is StatusCode.UNAVAILABLE
    assert not error.may_have_started
    assert not peer.wire.is_closed
    peer.client.data_received(frame(0, 0, 1, write_messages([b"answer"])))
    peer.client.data_received(frame(1, 0x5, 1, b"\0\x0bgrpc-status\x010"))
    assert await begun.read_single() == b"answer"
    assert peer.wire.is_closed


@pytest.mark.parametrize(
    ("error_code", "code", "may_have_started"),
    [
        (ErrorCodes.REFUSED_STREAM, StatusCode.UNAVAILABLE, False),
        (ErrorCodes.CANCEL, StatusCode.CANCELLED, True),
        (ErrorCodes.ENHANCE_YOUR_CALM, StatusCode.RESOURCE_EXHAUSTED, True),
        (ErrorCodes.INTERNAL_ERROR, StatusCode.INTERNAL, True),
    ],
)
async def test_stream_that_the_server_resets_fails(
    error_code: ErrorCodes, code: StatusCode, may_have_started: bool
) -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.h2.reset_stream(1, error_code)
    peer.exchange()
    error = await error_of(call)
    assert (error.code, error.may_have_started) == (code, may_have_started)


async def test_ping_is_answered() -> None:
    peer = Peer()
    peer.h2.ping(b"12345678")
    peer.exchange()
    assert peer.seen(PingAckReceived)


async def test_room_is_what_the_server_says() -> None:
    peer = Peer(MAX_CONCURRENT_STREAMS=1)
    assert peer.client.calls.has_room
    call = peer.call(b"ask")
    assert not peer.client.calls.has_room
    waiting = asyncio.create_task(peer.client.calls.wait_for_change())
    await asyncio.sleep(0)
    call.cancel()
    await waiting
    assert peer.client.calls.has_room


async def test_lost_connection_fails_its_calls_after_what_they_received() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.begin(1)
    peer.send(1, write_messages([b"first"]))
    peer.client.connection_lost(ConnectionResetError("reset by peer"))
    assert await call.read() == [b"first"]
    error = await error_of(call)
    assert error.code is StatusCode.UNAVAILABLE
    assert error.message == "the connection to model:29500 was lost: reset by peer"
    assert error.may_have_started


def _two_messages(peer: Peer) -> None:
    peer.answer(1, b"a", b"b", trailers=OK)


def _no_message(peer: Peer) -> None:
    peer.answer(1, trailers=OK)


def _half_a_message(peer: Peer) -> None:
    peer.begin(1)
    peer.send(1, write_messages([b"answer"])[:-1])
    peer.h2.send_headers(1, OK, end_stream=True)
    peer.exchange()


def _no_status(peer: Peer) -> None:
    peer.begin(1)
    peer.h2.send_data(1, write_messages([b"answer"]), end_stream=True)
    peer.exchange()


def _compressed(peer: Peer) -> None:
    peer.begin(1)
    peer.send(1, b"\x01\0\0\0\x01x")


def _too_large(peer: Peer) -> None:
    peer.begin(1)
    peer.send(1, write_messages([bytes(MAX_MESSAGE_BYTES + 1)])[:5])


def _page_of_a_proxy(peer: Peer) -> None:
    peer.begin(1, status="503")
    peer.send(1, b"<html>")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (_two_messages, StatusCode.INTERNAL),
        (_no_message, StatusCode.INTERNAL),
        (_half_a_message, StatusCode.INTERNAL),
        (_no_status, StatusCode.INTERNAL),
        (_compressed, StatusCode.INTERNAL),
        (_too_large, StatusCode.RESOURCE_EXHAUSTED),
        (_page_of_a_proxy, StatusCode.UNAVAILABLE),
    ],
)
async def test_answer_that_is_none_fails_its_call_alone(
    answer: Callable[[Peer], None], code: StatusCode
) -> None:
    peer = Peer()
    call, other = peer.call(b"ask"), peer.call(b"ask")
    answer(peer)
    assert (await error_of(call)).code is code
    peer.answer(3, b"answer", trailers=OK)
    assert await other.read_single() == b"answer"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame(0, 0x8, 1, b"\xff"),
        frame(1, 0x4, 1, b"\xff\xff\xff\xff\xff"),
        # A reference into the table of headers, which is empty.
        frame(1, 0x4, 1, b"\xbe"),
        frame(1, 0x5, 1, b"\xbe"),
        frame(1, 0, 1, b"\0") + frame(0, 0, 1, b""),
        frame(9, 0x4, 1, b""),
        frame(5, 0x4, 1, b"\0\0\0\2"),
        frame(4, 0, 0, b"12345"),
        frame(4, 0, 0, b"\0\5\0\0\0\0"),
        frame(7, 0, 0, b"1"),
        frame(8, 0, 0, b"\x7f\xff\xff\xff") * 2,
    ],
    ids=(
        "http1 padding headers table trailers interleaved continuation promise settings "
        "frame-size goaway window"
    ).split(),
)
async def test_server_that_breaks_http2_is_left(data: bytes) -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.client.data_received(data)
    assert (await error_of(call)).code is StatusCode.INTERNAL
    assert peer.wire.is_closed
    assert not peer.client.takes_calls
    peer.exchange()
    (goodbye,) = peer.seen(ConnectionTerminated)
    assert goodbye.error_code == ErrorCodes.PROTOCOL_ERROR


async def test_frames_of_extensions_are_ignored() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.client.data_received(frame(0xFA, 0xFF, 1, b"whatever") + frame(2, 0, 1, b"12345"))
    peer.answer(1, b"answer", trailers=OK)
    assert await call.read_single() == b"answer"


async def test_deadline_ends_the_call_here_and_at_the_server() -> None:
    peer = Peer()
    call = peer.client.start(METHOD, [b"ask"], 0.01)
    peer.exchange()
    assert (await error_of(call)).code is StatusCode.DEADLINE_EXCEEDED
    peer.exchange()
    (reset,) = peer.seen(StreamReset)
    assert reset.error_code == ErrorCodes.CANCEL
