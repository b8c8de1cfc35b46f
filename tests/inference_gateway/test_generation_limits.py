"""What ends a generation early: clients that leave or stall, and the limits of the gateway."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from inference_gateway.backends.fake import FakeBackend
from tests.inference_gateway.generation_requests import CHAT, HI, STREAM, events
from tests.inference_gateway.running import gateway, in_pod
from tests.waiting import until


@pytest.mark.parametrize("body", [HI, STREAM], ids=["whole", "streamed"])
async def test_disconnect_before_the_answer_stops_the_generation(
    client: aiohttp.ClientSession, script: FakeBackend, body: dict[str, Any]
) -> None:
    script.gate.clear()
    call = asyncio.create_task(client.post(CHAT, json=body))
    await until(lambda: bool(script.requests))
    call.cancel()
    # A hang is found far below the request's time limit: only the disconnect can stop it.
    await until(script.canceled.is_set)


async def test_disconnect_after_a_large_body_stops_the_generation(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.gate.clear()
    # The server reads no further while so much waits to be taken.
    body = io.BytesIO(json.dumps(HI | {"user": "x" * 2_000_000}).encode())
    call = asyncio.create_task(client.post(CHAT, data=body))
    await until(lambda: bool(script.requests))
    call.cancel()
    await until(script.canceled.is_set)


async def test_disconnect_during_the_answer_stops_the_generation(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.deltas = ("x" * 1024,) * 20_000
    async with client.post(CHAT, json=STREAM) as response:
        await response.content.readany()
    await until(script.canceled.is_set)


async def test_slow_client_holds_the_stream_back(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    # Far more than the buffers of both sockets hold, so that the stream has to stop.
    script.deltas = ("x" * 4096,) * 20_000
    async with client.post(CHAT, json=STREAM, read_bufsize=1024):
        sent = -1
        while sent != script.sent:
            sent = script.sent
            await asyncio.sleep(0.2)
    assert 0 < sent < 10_000


async def test_client_that_does_not_read_is_dropped_at_the_time_limit(script: FakeBackend) -> None:
    script.deltas = ("x" * 4096,) * 20_000
    settings = in_pod(request_timeout_seconds=0.2, max_concurrency=1)
    async with gateway(lambda _: script, settings) as client:
        async with client.post(CHAT, json=STREAM, read_bufsize=1024):
            await until(script.canceled.is_set)
            # The request's admission is free once its final event has timed out as well.
            statuses = [429]
            while statuses[-1] == 429:
                statuses.append((await client.post("/chat", json={})).status)
        assert statuses[-1] == 400


async def test_comments_keep_a_waiting_stream_alive(script: FakeBackend) -> None:
    script.gate.clear()
    settings = in_pod(sse_keep_alive_seconds=0.02)
    async with (
        gateway(lambda _: script, settings) as client,
        client.post(CHAT, json=STREAM) as response,
    ):
        assert await response.content.readuntil(b"\n\n") == b": keep-alive\n\n"
        script.gate.set()
        assert (await events(response))[-1] == "[DONE]"


async def test_late_failure_is_an_error_event(script: FakeBackend) -> None:
    script.gate.clear()
    script.break_after = 0
    settings = in_pod(sse_keep_alive_seconds=0.02)
    async with (
        gateway(lambda _: script, settings) as client,
        client.post(CHAT, json=STREAM) as response,
    ):
        await response.content.readuntil(b"\n\n")
        script.gate.set()
        (event,) = await events(response)
    assert event["error"]["code"] == "internal_error"


@pytest.mark.parametrize("body", [HI, STREAM], ids=["whole", "streamed"])
async def test_timeout_is_504(script: FakeBackend, body: dict[str, Any]) -> None:
    script.gate.clear()
    async with gateway(lambda _: script, in_pod(request_timeout_seconds=0.05)) as client:
        response = await client.post(CHAT, json=body)
        assert response.status == 504
        assert "KAITO_REQUEST_TIMEOUT_SECONDS" in (await response.json())["error"]["message"]
    await until(script.canceled.is_set)


async def test_too_many_requests_are_429_until_one_ends(script: FakeBackend) -> None:
    script.gate.clear()
    async with gateway(lambda _: script, in_pod(max_concurrency=1)) as client:
        first = asyncio.create_task(client.post("/chat", json={"prompt": "Hi"}))
        await until(lambda: bool(script.requests))
        rejected = await client.post(CHAT, json=HI)
        assert (rejected.status, rejected.headers["retry-after"]) == (429, "1")
        assert (await client.get("/livez")).status == 200
        script.gate.set()
        assert (await first).status == 200
        assert (await client.post(CHAT, json=HI)).status == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_body_too_large_is_413(script: FakeBackend, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b" " * 80
        yield b" " * 80

    async with gateway(lambda _: script, in_pod(max_body_bytes=100)) as client:
        response = await client.post("/chat", data=chunks() if chunked else b" " * 101)
        assert response.status == 413
        assert "KAITO_MAX_BODY_BYTES" in (await response.json())["detail"]
        assert response.headers["connection"] == "close"


async def test_body_too_slow_is_408(script: FakeBackend) -> None:
    never = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    async with gateway(lambda _: script, in_pod(body_timeout_seconds=0.05)) as client:
        response = await client.post("/chat", data=stuck())
        assert response.status == 408
