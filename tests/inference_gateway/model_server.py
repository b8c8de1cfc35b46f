"""A real gRPC server in this process that follows a FakeBackend's script."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from inference_gateway.backends.backend import BackendError
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.grpc_backend import SERVICE
from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc as rpc

Context = grpc.aio.ServicerContext[Any, Any]


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
            await context.abort(error.code, error.message)

    async def StreamGenerate(  # noqa: N802
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        messages = self.script.stream(request.request, 60)
        try:
            async for message in messages:
                yield message
        except BackendError as error:
            await context.abort(error.code, error.message)
        finally:
            await messages.aclose()

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


@asynccontextmanager
async def serving(script: FakeBackend) -> AsyncIterator[str]:
    """The address of a server that follows `script`."""
    server = grpc.aio.server()
    rpc.add_InferenceServiceServicer_to_server(ScriptedService(script), server)
    healths = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healths, server)
    status = health_pb2.HealthCheckResponse
    await healths.set(SERVICE, status.SERVING if script.health_now.serving else status.NOT_SERVING)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
