"""Connecting, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from grpc import StatusCode

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.http2.channel import Channel
from inference_gateway.backends.http2.status import CallError
from kaito.inference.v1 import inference_pb2 as pb
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


@pytest.mark.parametrize("target", ["[::1]:1", "no-such-host.invalid:1", "127.0.0.1:1"])
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
