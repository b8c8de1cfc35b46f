"""Both kinds of server answer in the same way, whatever a client sends."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from kaito_grpc.channels import open_channel
from kaito_grpc.checked_calls import CheckedCalls
from kaito_grpc.servers import create_server, create_threaded_server
from tests.kaito_grpc.serving import HealthStub, ReflectionStub, Request, Response, serving

CHECK, WATCH, LIST = (f"/grpc.health.v1.Health/{name}" for name in ("Check", "Watch", "List"))
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@pytest.fixture(params=["asyncio", "threaded"])
async def channel(request: pytest.FixtureRequest) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(request.param) as address, open_channel(address) as opened:
        yield opened


async def error_of(channel: Any, method: str, raw: bytes) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        if method == WATCH:
            async for _ in channel.unary_stream(method)(raw):
                pass
        else:
            await channel.unary_unary(method)(raw)
    return caught.value


@pytest.mark.parametrize("method", [CHECK, WATCH])
@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\xff", b"\x0a\x01\xff", b"\x08"])
async def test_bytes_that_are_no_request_are_an_invalid_argument(
    channel: grpc.aio.Channel, method: str, raw: bytes
) -> None:
    error = await error_of(channel, method, raw)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert method in (error.details() or "")


async def test_bytes_that_are_no_request_end_a_stream_of_requests(
    channel: grpc.aio.Channel,
) -> None:
    async def raws() -> AsyncIterator[bytes]:
        yield reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
        yield b"\x0a\x02\xff\xfe"

    untyped: Any = channel
    call = untyped.stream_stream(REFLECTION)(raws())
    assert b"grpc.reflection" in await call.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert REFLECTION in (caught.value.details() or "")


async def test_a_method_that_a_service_leaves_out_is_unimplemented(
    channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    """The contract of health has had List since 2025, and grpc's own services lack it."""
    error = await error_of(channel, LIST, b"")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error.details() == f"this server does not implement {LIST}"
    assert "call failed" not in caplog.text


@pytest.mark.parametrize("method", [CHECK, WATCH])
async def test_a_defect_is_internal_and_keeps_its_text_to_the_log(
    channel: grpc.aio.Channel, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = await error_of(channel, method, Request(service="break").SerializeToString())
    assert (error.code(), error.details()) == (
        grpc.StatusCode.INTERNAL,
        "the server failed; its log has the cause",
    )
    assert "KeyError: 'secret'" in caplog.text


@pytest.mark.parametrize("method", [CHECK, WATCH])
async def test_a_refusal_keeps_its_status(channel: grpc.aio.Channel, method: str) -> None:
    error = await error_of(channel, method, Request(service="refuse").SerializeToString())
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "no such service")


async def test_calls_streams_and_reflection_are_answered(channel: grpc.aio.Channel) -> None:
    stub = HealthStub(channel)
    assert (await stub.Check(Request())).status == Response.SERVING
    assert len([answer async for answer in stub.Watch(Request())]) == 2
    listing = reflection_pb2.ServerReflectionRequest(list_services="")
    call = ReflectionStub(channel).ServerReflectionInfo(iter([listing]))
    [answer] = [each async for each in call]
    assert answer.list_services_response.service


async def test_behaviors_that_write_their_messages_themselves_are_answered() -> None:
    """grpc's own health service for asyncio is one."""
    server, checks = create_server(), health.aio.HealthServicer()
    await checks.set("", Response.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        watcher = HealthStub(channel).Watch(Request())
        changes = aiter(watcher)
        assert (await anext(changes)).status == Response.SERVING
        await checks.set("", Response.NOT_SERVING)
        assert (await anext(changes)).status == Response.NOT_SERVING
        watcher.cancel()
    await server.stop(None)


@pytest.mark.parametrize(
    "error", [grpc.aio.InternalError("gone"), NotImplementedError(), KeyError()]
)
async def test_a_status_that_no_client_takes_any_more_is_no_defect(error: Exception) -> None:
    """grpc logs no CancelledError."""

    async def behavior(request: Any, context: Any) -> Any:
        raise error

    class LeftContext:
        async def abort(self, code: grpc.StatusCode, message: str) -> None:
            raise grpc.aio.InternalError("gone")

    async def find(details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            behavior, request_deserializer=Request.FromString
        )

    details = SimpleNamespace(method=CHECK)
    handler = await CheckedCalls().intercept_service(find, details)
    for raw in (b"", b"\xff"):
        with pytest.raises(asyncio.CancelledError):
            await handler.unary_unary(raw, LeftContext())


def test_both_kinds_of_server_have_the_same_options(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(grpc, "server", lambda *_, options, interceptors: given.append(options))
    monkeypatch.setattr(grpc.aio, "server", lambda *, options, interceptors: given.append(options))
    create_server()
    create_threaded_server(ThreadPoolExecutor(1))
    assert given[0] == given[1]
    # A server counts pings that come too soon, and cuts the client at the third.
    assert ("grpc.keepalive_permit_without_calls", 1) in given[0]  # type: ignore[operator]
