"""What other servers and proxies may do, and grpcio's does not."""

import pytest
from grpc import StatusCode
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes

from inference_gateway.backends.http2.frames import frame
from inference_gateway.backends.http2.messages import write_messages
from tests.inference_gateway.http2.peer import METHOD, OK, Peer, error_of


async def test_server_without_room_for_a_table_of_headers_reads_each_call() -> None:
    peer = Peer(HEADER_TABLE_SIZE=0)
    for _ in range(2):
        peer.call(b"ask")
    peer.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 100})
    peer.exchange()
    peer.call(b"ask")
    assert len(peer.seen(RequestReceived)) == 3


async def test_longest_headers_are_announced() -> None:
    assert Peer().h2.remote_settings.max_header_list_size == 65_536


# An "a" has 5 bits in a block, a "\x7f" has 28: a block may be shorter or longer than its headers.
@pytest.mark.parametrize("text", ["a" * 70_000, "a" * 300_000, "\x7f" * 20_000])
async def test_error_that_is_longer_than_allowed_fails_its_call_alone(text: str) -> None:
    peer = Peer()
    call, other = peer.call(b"ask"), peer.call(b"ask")
    peer.answer(1, trailers=[("grpc-status", "3"), ("grpc-message", text)])
    error = await error_of(call)
    assert error.code is StatusCode.INTERNAL
    assert error.message == "the server's headers have more than 65536 bytes"
    peer.answer(3, b"answer", trailers=OK)
    assert await other.read_single() == b"answer"


async def test_web_page_with_status_200_is_named() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.h2.send_headers(1, [(":status", "200"), ("content-type", "text/html; charset=utf-8")])
    peer.send(1, b"<html>")
    error = await error_of(call)
    assert error.code is StatusCode.UNKNOWN
    assert error.message == (
        "the answer is not gRPC's: HTTP status 200, content-type text/html; charset=utf-8"
    )


async def test_trailers_without_a_status_are_named() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.answer(1, b"answer", trailers=[("x-request", "r1")])
    error = await error_of(call)
    assert (error.code, error.message) == (StatusCode.UNKNOWN, "the answer ended without a status")


async def test_server_that_ends_a_call_at_its_deadline_is_as_good_as_the_deadline() -> None:
    peer = Peer()
    call = peer.client.start(METHOD, [b"ask"], 0.0)
    peer.exchange()
    # The event loop is late: it has not yet seen its own timer.
    peer.h2.reset_stream(1, ErrorCodes.CANCEL)
    peer.exchange()
    assert (await error_of(call)).code is StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("message", [b"", b"x"])
async def test_server_waits_for_a_reader_of_tiny_messages(message: bytes) -> None:
    peer = Peer()
    peer.call(b"ask")
    peer.begin(1)
    piece = write_messages([message] * (4000 // (5 + len(message))))
    for _ in range(16):
        peer.send(1, piece)
    assert peer.h2.local_flow_control_window(1) < 4096


async def test_server_that_ignores_the_window_of_a_call_loses_that_call() -> None:
    peer = Peer()
    call, other = peer.call(b"ask"), peer.call(b"ask")
    peer.begin(1)
    peer.exchange()
    for _ in range(5):
        peer.client.data_received(frame(0, 0, 1, write_messages([b"x" * 16_000])))
    assert len(await call.read()) == 4
    error = await error_of(call)
    assert error.code is StatusCode.INTERNAL
    assert error.message == "the server sent more than it was allowed to"
    peer.answer(3, b"answer", trailers=OK)
    assert await other.read_single() == b"answer"


async def test_more_than_one_answer_ends_the_call_at_once() -> None:
    peer = Peer()
    call = peer.call(b"ask")
    peer.begin(1)
    peer.send(1, write_messages([b"a", b"b"]))
    error = await error_of(call)
    assert error.message == "the server answered with 2 messages, not one"


async def test_window_that_shrinks_below_what_was_sent_holds_the_request_until_it_is_made_up() -> (
    None
):
    peer = Peer(INITIAL_WINDOW_SIZE=1000)
    peer.call(b"x" * 2000)
    peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    peer.exchange()
    peer.h2.increment_flow_control_window(990, 1)
    peer.exchange()
    assert sum(len(event.data) for event in peer.seen(DataReceived)) == 1000
    for _ in range(1005):
        peer.h2.increment_flow_control_window(1, 1)
        peer.exchange()
    assert sum(len(event.data) for event in peer.seen(DataReceived)) == 2005
    assert peer.seen(StreamEnded)


async def test_stream_that_waits_for_its_window_does_not_hold_the_others() -> None:
    peer = Peer(INITIAL_WINDOW_SIZE=100)
    peer.call(b"x" * 70_000)
    peer.call(b"y" * 50)
    (ended,) = peer.seen(StreamEnded)
    assert ended.stream_id == 3


async def test_call_whose_request_waits_for_a_window_can_be_canceled() -> None:
    peer = Peer(INITIAL_WINDOW_SIZE=10)
    call = peer.call(b"x" * 1000)
    call.cancel()
    peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 60_000})
    peer.exchange()
    assert sum(len(event.data) for event in peer.seen(DataReceived)) == 10
    assert peer.seen(StreamReset)


async def test_second_farewell_ends_more_calls() -> None:
    peer = Peer()
    calls = [peer.call(b"ask") for _ in range(3)]
    graceful, final = (number.to_bytes(4, "big") + bytes(4) for number in (2**31 - 1, 3))
    peer.client.data_received(frame(7, 0, 0, graceful))
    assert len(peer.client.calls) == 3
    peer.client.data_received(frame(7, 0, 0, final))
    assert not (await error_of(calls[2])).may_have_started
    assert len(peer.client.calls) == 2


async def test_connection_that_has_used_all_stream_numbers_closes_after_its_calls() -> None:
    peer = Peer()
    peer.client._next_stream_id = 2**31 - 1
    call = peer.client.start(METHOD, [b"ask"], 600)
    assert not peer.client.takes_calls
    assert not peer.wire.is_closed
    call.cancel()
    assert peer.wire.is_closed


async def test_connection_that_is_closing_takes_no_calls() -> None:
    peer = Peer()
    # Between a failed write and the loop's word of it.
    peer.wire.is_closed = True
    assert not peer.client.takes_calls
