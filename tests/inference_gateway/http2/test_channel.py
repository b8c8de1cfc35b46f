"""Connecting, on loopback."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from grpc import StatusCode

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.http2 import channel as channels
from inference_gateway.backends.http2 import connector as connectors
from inference_gateway.backends.http2.channel import Channel
from inference_gateway.backends.http2.frames import frame
from inference_gateway.backends.http2.lost_peers import notice_lost_peer
from inference_gateway.backends.http2.status import CallError
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.http2.peer import Peer, error_of
from tests.inference_gateway.model_server import Wire, serving, wired
from tests.waiting import HANG_SECONDS, until

GENERATE = "/kaito.inference.v1.InferenceService/Generate"
REQUEST = (pb.GenerateRequest(prompt="Hi").SerializeToString(),)


@asynccontextmanager
async def channel_to(script: FakeBackend, **options: int) -> AsyncIterator[tuple[Channel, Wire]]:
    async with wired(script, **options) as (address, wire):
        channel = Channel(address, 2**20)
        yield channel, wire
        await channel.close(0)


async def ask(channel: Channel) -> str:
    call = await channel.start(GENERATE, REQUEST, HANG_SECONDS)
    answer = pb.GenerateResponse.FromString(await call.read_single())
    return answer.choices[0].text


async def test_calls_that_begin_together_share_a_connection() -> None:
    async with channel_to(FakeBackend()) as (channel, wire):
        assert await asyncio.gather(*(ask(channel) for _ in range(20))) == ["Hello, world"] * 20
        assert len(wire.writers) == 2


async def test_lost_connection_is_made_again() -> None:
    async with channel_to(FakeBackend()) as (channel, wire):
        await ask(channel)
        connection = channel._connection
        assert connection is not None
        wire.cut()
        await until(lambda: not connection.takes_calls)
        assert await ask(channel) == "Hello, world"


async def test_caller_that_leaves_while_connecting_takes_nothing_from_the_others() -> None:
    async with channel_to(FakeBackend()) as (channel, _):
        leaving, staying = (asyncio.create_task(ask(channel)) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == "Hello, world"


async def test_call_waits_for_room_at_the_server() -> None:
    script = FakeBackend()
    script.gate.clear()
    async with channel_to(script, max_concurrent_streams=1) as (channel, _):
        calls = [asyncio.create_task(ask(channel)) for _ in range(3)]
        await until(lambda: bool(script.requests))
        assert len(script.requests) == 1
        script.gate.set()
        assert await asyncio.gather(*calls) == ["Hello, world"] * 3


async def test_server_that_says_nothing_http2_is_unavailable() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listener = await asyncio.start_server(close, "127.0.0.1", 0)
    channel = Channel(f"127.0.0.1:{listener.sockets[0].getsockname()[1]}", 2**20)
    with pytest.raises(CallError) as caught:
        await ask(channel)
    assert caught.value.code is StatusCode.UNAVAILABLE
    assert not caught.value.may_have_started
    assert caught.value.message.endswith("failed to connect: the server closed the connection")
    listener.close()
    await channel.close(0)


@pytest.mark.parametrize("target", ["[::1]:1", "no-such-host.invalid:1", "127.0.0.1:1", "a..b:1"])
async def test_target_without_a_server_is_named(target: str) -> None:
    with pytest.raises(CallError) as caught:
        await ask(Channel(target, 2**20))
    assert caught.value.message.startswith(f"{target}: failed to connect: ")


async def test_closing_waits_for_calls_in_flight() -> None:
    script = FakeBackend()
    script.gate.clear()
    async with channel_to(script) as (channel, _):
        call = asyncio.create_task(ask(channel))
        await until(lambda: bool(script.requests))
        closing = asyncio.create_task(channel.close(60))
        await asyncio.sleep(0)
        with pytest.raises(CallError) as caught:
            await ask(channel)
        assert not caught.value.may_have_started
        script.gate.set()
        assert await call == "Hello, world"
        await closing


async def test_closing_ends_calls_after_its_grace() -> None:
    script = FakeBackend()
    script.gate.clear()
    async with channel_to(script) as (channel, _):
        call = asyncio.create_task(ask(channel))
        await until(lambda: bool(script.requests))
        await channel.close(0)
        with pytest.raises(CallError) as caught:
            await call
        assert caught.value.code is StatusCode.UNAVAILABLE
        # Another model-server would run it a second time.
        assert caught.value.may_have_started


async def test_server_that_drains_answers_what_it_has_and_new_calls_fail_unstarted() -> None:
    script = FakeBackend()
    script.gate.clear()
    async with serving(script, grace_seconds=60) as address:
        channel = Channel(address, 2**20)
        call = asyncio.create_task(ask(channel))
        await until(lambda: bool(script.requests))
        connection = channel._connection
        assert connection is not None

        async def refused() -> CallError:
            await until(lambda: not connection.takes_calls)
            with pytest.raises(CallError) as caught:
                await ask(channel)
            script.gate.set()
            return caught.value

        watching = asyncio.create_task(refused())
    error = await watching
    assert error.code is StatusCode.UNAVAILABLE
    assert not error.may_have_started
    assert await call == "Hello, world"
    await channel.close(0)


async def test_server_that_is_down_is_not_tried_for_each_call() -> None:
    tries: list[asyncio.StreamWriter] = []

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(writer)
        writer.close()

    listener = await asyncio.start_server(close, "127.0.0.1", 0)
    now = [0.0]
    target = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    channel = Channel(target, 2**20, clock=lambda: now[0])
    reasons = set()
    for second in range(3):
        now[0] = float(second)
        for _ in range(10):
            with pytest.raises(CallError) as caught:
                await ask(channel)
            reasons.add(caught.value.message)
            assert not caught.value.may_have_started
    assert len(tries) == 3
    assert reasons == {f"{target}: failed to connect: the server closed the connection"}
    listener.close()
    await channel.close(0)


async def test_server_of_another_protocol_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    channel = Channel(f"127.0.0.1:{listener.sockets[0].getsockname()[1]}", 2**20)
    with pytest.raises(CallError, match="the server does not speak HTTP/2: it sent a frame of "):
        await ask(channel)
    listener.close()
    await channel.close(0)


async def test_call_waits_for_a_full_server_no_longer_than_it_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "CONNECT_TIMEOUT_SECONDS", math.inf)
    script = FakeBackend()
    script.gate.clear()
    async with channel_to(script, max_concurrent_streams=1) as (channel, _):
        running = asyncio.create_task(ask(channel))
        await until(lambda: bool(script.requests))
        with pytest.raises(CallError) as caught:
            await channel.start(GENERATE, REQUEST, 0.01)
        assert caught.value.message.endswith(
            ": the server takes 1 calls at a time, and none of them ended in time"
        )
        assert not caught.value.may_have_started
        script.gate.set()
        assert await running == "Hello, world"


async def test_closing_ends_calls_on_a_connection_that_the_server_is_leaving() -> None:
    async with channel_to(FakeBackend()) as (channel, _):
        peer = Peer()
        call = peer.call(b"ask")
        peer.client.data_received(frame(7, 0, 0, (2**31 - 1).to_bytes(4, "big") + bytes(4)))
        channel._connection = peer.client
        assert await ask(channel) == "Hello, world"
        await channel.close(0)
        error = await error_of(call)
        assert error.message.endswith(": the channel is closed")
        assert error.may_have_started
        assert peer.wire.is_closed


async def test_next_address_of_a_name_is_tried_while_the_first_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (channels, connectors):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT_SECONDS", math.inf)
    async with serving(FakeBackend()) as address:
        port = int(address.split(":")[1])
        loop = asyncio.get_running_loop()
        with ExitStack() as sockets:
            # Linux drops what a full backlog has no room for, as a node that is gone does.
            silent = sockets.enter_context(socket.create_server(("127.0.0.2", port), backlog=0))
            for _ in range(2):
                filler = sockets.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(silent.getsockname())
            kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
            found = [(*kind, (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

            async def resolve(*_: object, **__: object) -> list[object]:
                return list(found)

            monkeypatch.setattr(loop, "getaddrinfo", resolve)
            channel = Channel(f"model:{port}", 2**20)
            assert await ask(channel) == "Hello, world"
            await channel.close(0)


async def test_kernel_asks_whether_a_quiet_server_is_still_there() -> None:
    with socket.socket() as connected:
        notice_lost_peer(connected)
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
