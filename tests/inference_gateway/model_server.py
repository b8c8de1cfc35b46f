"""A real gRPC server in this process that follows a FakeBackend's script."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, NoReturn, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from inference_gateway.backends.backend import BackendError, TokenRequest, TokenResponse
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.grpc_backend import SERVICE
from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc as rpc
from kaito_grpc.field_violations import FieldViolation, to_trailers

Context = grpc.aio.ServicerContext[Any, Any]
_Message = TypeVar("_Message")


class ScriptedService(rpc.InferenceServiceServicer):
    """InferenceService over the script; lists two adapters per page."""

    def __init__(self, script: FakeBackend) -> None:
        self.script = script

    async def Generate(  # noqa: N802
        self, request: pb.GenerateRequest, context: Context
    ) -> pb.GenerateResponse:
        try:
            return await self.script.generate(request, 60)
        except BackendError as error:
            await _abort(context, error)

    async def StreamGenerate(  # noqa: N802
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        async with aclosing(_pass_on(self.script.stream(request.request, 60), context)) as messages:
            async for message in messages:
                yield message

    async def Tokenize(  # noqa: N802
        self, request: pb.TokenizeRequest, context: Context
    ) -> pb.TokenizeResponse:
        response = await self._convert(request, context)
        assert isinstance(response, pb.TokenizeResponse)
        return response

    async def Detokenize(  # noqa: N802
        self, request: pb.DetokenizeRequest, context: Context
    ) -> pb.DetokenizeResponse:
        response = await self._convert(request, context)
        assert isinstance(response, pb.DetokenizeResponse)
        return response

    async def Embed(  # noqa: N802
        self, request: pb.EmbedRequest, context: Context
    ) -> pb.EmbedResponse:
        response = await self._convert(request, context)
        assert isinstance(response, pb.EmbedResponse)
        return response

    async def RelayHttp(  # noqa: N802
        self, requests: AsyncIterator[pb.RelayHttpRequest], context: Context
    ) -> AsyncGenerator[pb.RelayHttpResponse, None]:
        head = (await anext(requests)).head
        body = b"".join([request.body async for request in requests])
        async with aclosing(_pass_on(self.script.relay(head, body, 60), context)) as messages:
            async for message in messages:
                yield message

    async def _convert(self, request: TokenRequest, context: Context) -> TokenResponse:
        try:
            return await self.script.convert(request, 60)
        except BackendError as error:
            await _abort(context, error)

    async def GetModel(  # noqa: N802
        self, request: pb.GetModelRequest, context: Context
    ) -> pb.GetModelResponse:
        return pb.GetModelResponse(model=self.script.loaded)

    async def ListAdapters(  # noqa: N802
        self, request: pb.ListAdaptersRequest, context: Context
    ) -> pb.ListAdaptersResponse:
        start = int(request.page_token or 0)
        adapters = self.script.loaded_adapters
        more = str(start + 2) if len(adapters) > start + 2 else ""
        return pb.ListAdaptersResponse(adapters=adapters[start : start + 2], next_page_token=more)


class ScriptedHealth(health_pb2_grpc.HealthServicer):
    """The health of the script at each moment."""

    def __init__(self, script: FakeBackend) -> None:
        self.script = script

    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        assert request.service == SERVICE
        statuses = health_pb2.HealthCheckResponse
        serving = self.script.health_now.serving
        return statuses(status=statuses.SERVING if serving else statuses.NOT_SERVING)


async def _pass_on(
    messages: AsyncGenerator[_Message, None], context: Context
) -> AsyncGenerator[_Message, None]:
    """The script's messages; its failure becomes the status of the call."""
    async with aclosing(messages):
        try:
            async for message in messages:
                yield message
        except BackendError as error:
            await _abort(context, error)


async def _abort(context: Context, error: BackendError) -> NoReturn:
    trailers: Any = () if error.may_have_started else (("grpc-retry-pushback-ms", "0"),)
    if error.field:
        trailers = to_trailers(error.message, FieldViolation(error.field, "is wrong"))
    await context.abort(error.code, error.message, trailers)
    raise AssertionError("abort always raises")


class Wire:
    """A TCP proxy to an address; `cut` does to the connections what kill -9 of the server does.

    `turn_to` makes new connections go elsewhere, as a Service does when its pods change.
    """

    def __init__(self, address: str) -> None:
        self.turn_to(address)
        self.writers: list[asyncio.StreamWriter] = []

    def turn_to(self, address: str) -> None:
        self.host, port = address.split(":")
        self.port = int(port)

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self.host, self.port)
        self.writers += [writer, there_writer]
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)


@asynccontextmanager
async def wired(script: FakeBackend, **options: int) -> AsyncIterator[tuple[str, Wire]]:
    """The address of a server that follows `script`, and the wire to it."""
    async with serving(script, **options) as address:
        wire = Wire(address)
        listener = await asyncio.start_server(wire.connect, "127.0.0.1", 0)
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}", wire
        listener.close()
        wire.cut()


@asynccontextmanager
async def serving(
    script: FakeBackend, grace_seconds: float | None = None, **options: int
) -> AsyncIterator[str]:
    """The address of a server that follows `script`, with these of gRPC's options.

    At the end, calls in flight may take `grace_seconds`.
    """
    server = grpc.aio.server(options=[(f"grpc.{name}", n) for name, n in options.items()])
    rpc.add_InferenceServiceServicer_to_server(ScriptedService(script), server)
    health_pb2_grpc.add_HealthServicer_to_server(ScriptedHealth(script), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(grace_seconds)
