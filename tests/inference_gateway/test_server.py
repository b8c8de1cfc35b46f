"""The server's connections: slow and long headers, draining, and the process as a whole."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from inference_gateway.__main__ import create_application
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.server import create_server
from inference_gateway.settings import Settings
from tests.inference_gateway.model_server import serving
from tests.inference_gateway.running import gateway, in_pod
from tests.waiting import HANG_SECONDS, until


@asynccontextmanager
async def connection(
    client: aiohttp.ClientSession,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    base = client._base_url
    assert base is not None
    reader, writer = await asyncio.open_connection(base.host, base.port)
    yield reader, writer
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /chat HTTP/1.1\r\nhost: x\r\n", b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /"],
    ids=["nothing", "half", "half-of-the-second"],
)
async def test_missing_headers_close_the_connection(script: FakeBackend, sent: bytes) -> None:
    settings = in_pod(header_timeout_seconds=0.1, idle_timeout_seconds=60)
    async with (
        gateway(lambda _: script, settings) as client,
        connection(client) as (reader, writer),
        asyncio.timeout(HANG_SECONDS),
    ):
        writer.write(sent)
        await reader.read()


async def test_idle_connection_is_closed(script: FakeBackend) -> None:
    settings = in_pod(header_timeout_seconds=60, idle_timeout_seconds=1)
    async with (
        gateway(lambda _: script, settings) as client,
        connection(client) as (reader, writer),
        asyncio.timeout(HANG_SECONDS),
    ):
        writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"Healthy" in await reader.read()


async def test_long_answer_outlives_the_header_timeout(script: FakeBackend) -> None:
    script.gate.clear()
    async with gateway(lambda _: script, in_pod(header_timeout_seconds=0.1)) as client:
        call = asyncio.create_task(client.post("/chat", json={"prompt": "x"}))
        await until(lambda: bool(script.requests))
        await asyncio.sleep(0.2)
        script.gate.set()
        assert (await call).status == 200


async def test_long_headers_are_431(script: FakeBackend) -> None:
    async with (
        gateway(lambda _: script, in_pod(max_header_bytes=2048)) as client,
        connection(client) as (reader, writer),
    ):
        writer.write(b"GET /livez HTTP/1.1\r\n" + b"x: yyyyyyyyyyyyyyyy\r\n" * 200)
        assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_sigterm_lets_answers_finish_and_exits_with_0(
    script: FakeBackend, streamed: bool
) -> None:
    script.gate.clear()
    body = {"prompt": "x", "stream": streamed}
    async with serving(script) as address, process(address) as (child, port, lines):
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            call = asyncio.create_task(client.post("/v1/completions", json=body))
            await until(lambda: bool(script.requests))
            child.send_signal(signal.SIGTERM)
            await until(lambda: any("Shutting down" in line for line in lines))
            script.gate.set()
            response = await call
            assert response.status == 200
            assert "Hello" in await response.text()
        assert await child.wait() == 0
    access = [json.loads(line) for line in lines if '"request_id"' in line]
    assert [(line["route"], line["status"]) for line in access] == [("/v1/completions", 200)]
    assert access[0]["completion_tokens"] == 3
    assert access[0]["model"] == "phi-3-mini-128k-instruct"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of others does not say it")
async def test_sigterm_waits_until_a_slow_reader_has_its_whole_answer(script: FakeBackend) -> None:
    text = "x" * 40_000
    script.deltas = (text,)
    async with serving(script) as address, process(address) as (child, port, lines):
        reader = slow_reader(port)
        body = json.dumps({"prompt": "x"}).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        reader.sendall(head.encode() + body)
        # The gateway has written all of it, and the client has read nothing.
        await until(lambda: any('"request_id"' in line for line in lines))
        child.send_signal(signal.SIGTERM)
        waits = "waiting for clients to receive"
        ending = asyncio.create_task(child.wait())
        await until(lambda: ending.done() or any(waits in line for line in lines))
        assert not ending.done()
        received = await asyncio.to_thread(read_all, reader)
        assert text.encode() in received
        assert await ending == 0


def slow_reader(port: int) -> socket.socket:
    """A client that has room for little that it has not read."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    return reader


def read_all(reader: socket.socket) -> bytes:
    with reader:
        reader.settimeout(30)
        return b"".join(iter(lambda: reader.recv(65536), b""))


async def test_a_connection_gets_its_next_answer_before_the_server_ends_it(
    script: FakeBackend,
) -> None:
    settings = in_pod()
    application = create_application(settings, lambda _: script)
    server = create_server(
        application, settings, farewell_seconds=30, host="127.0.0.1", port=0, loop="none"
    )
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ask = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"
    writer.write(ask)
    assert b"connection: close" not in await reader.readuntil(b"Healthy")
    server.should_exit = True
    await until(lambda: server.says_farewell)
    writer.write(ask)
    assert b"connection: close" in await reader.read()
    writer.close()
    server.force_exit = True
    await task


async def test_wrong_settings_exit_with_2_and_name_the_variable() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "inference_gateway",
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await child.communicate()
    assert child.returncode == 2
    assert b"KAITO_BACKEND" in errors


@asynccontextmanager
async def process(
    address: str,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int, list[str]]]:
    """The service as its image runs it, its port, and its log lines so far."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "inference_gateway",
        env={
            "PYTHONPATH": os.pathsep.join(sys.path),
            "KAITO_BACKEND": address,
            "KAITO_HTTP_HOST": "127.0.0.1",
            "KAITO_HTTP_PORT": "0",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    lines: list[str] = []
    reading = asyncio.create_task(_read(child.stdout, lines))
    try:
        await until(lambda: any("running on" in line for line in lines))
        (started,) = [line for line in lines if "running on" in line]
        yield child, int(started.split("http://127.0.0.1:")[1].split()[0]), lines
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        await reading


async def _read(stream: asyncio.StreamReader, lines: list[str]) -> None:
    async for line in stream:
        lines.append(line.decode())  # noqa: PERF401 -- the test reads them meanwhile


def test_default_limits_are_consistent() -> None:
    limits = Settings(backend="x").limits
    assert limits.max_body_bytes <= limits.max_held_bytes
    assert limits.max_backend_concurrency <= limits.max_concurrency
