"""Health of a threaded server: its checkers and watchers, and watchers that leave."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2_grpc

from kaito_grpc.channels import open_channel
from kaito_grpc.servers import create_threaded_server
from kaito_grpc.threaded_health import MAX_WATCHERS, ThreadedHealth
from tests.kaito_grpc.serving import HealthStub, Request, Response

Stub = Any


@pytest.fixture
def health() -> ThreadedHealth:
    return ThreadedHealth(("", "tuning"))


@pytest.fixture
async def stub(health: ThreadedHealth) -> AsyncIterator[Stub]:
    threaded = create_threaded_server(ThreadPoolExecutor(MAX_WATCHERS + 2))
    health_pb2_grpc.add_HealthServicer_to_server(health, threaded)
    port = threaded.add_insecure_port("127.0.0.1:0")
    threaded.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        yield HealthStub(channel)
    await asyncio.to_thread(threaded.stop(None).wait)


async def test_checks_and_watches(health: ThreadedHealth, stub: Stub) -> None:
    assert (await stub.Check(Request(service="tuning"))).status == Response.SERVING
    watcher = stub.Watch(Request(service="tuning"))
    assert (await watcher.read()).status == Response.SERVING
    health.shut_down()
    assert (await watcher.read()).status == Response.NOT_SERVING
    assert (await stub.Check(Request())).status == Response.NOT_SERVING
    watcher.cancel()


async def test_an_unknown_service_is_named_by_a_check_and_watched(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(Request(service="other"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "this server has the services tuning"
    watcher = stub.Watch(Request(service="other"))
    assert (await watcher.read()).status == Response.SERVICE_UNKNOWN
    watcher.cancel()


async def test_watchers_that_leave_at_once_stop_nobody(stub: Stub) -> None:
    async def leave(seconds: float) -> None:
        with suppress(grpc.aio.AioRpcError):
            await stub.Watch(Request(), timeout=seconds).read()

    for number in range(40):
        await asyncio.gather(*(leave(0.0002 * (number % 10)) for _ in range(10)))
        assert (await stub.Check(Request(), timeout=30)).status == Response.SERVING


async def test_watchers_leave_workers_for_checks(stub: Stub) -> None:
    watchers = [stub.Watch(Request()) for _ in range(MAX_WATCHERS)]
    for watcher in watchers:
        assert (await watcher.read()).status == Response.SERVING
    assert (await stub.Check(Request(), timeout=30)).status == Response.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Watch(Request()).read()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    for watcher in watchers:
        watcher.cancel()
