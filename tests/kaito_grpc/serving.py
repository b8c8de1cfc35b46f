"""Servers of both kinds with a service that answers, refuses or breaks."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from kaito_grpc.servers import create_server, create_threaded_server

Request: Any = health_pb2.HealthCheckRequest
Response: Any = health_pb2.HealthCheckResponse
# The published types of the stubs leave their methods out.
HealthStub: Any = health_pb2_grpc.HealthStub
ReflectionStub: Any = reflection_pb2_grpc.ServerReflectionStub


class AsyncService(health_pb2_grpc.HealthServicer):
    """Answers, refuses or breaks, as the request says."""

    async def Check(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        if request.service == "refuse":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        if request.service == "break":
            raise KeyError("secret")
        return Response(status=Response.SERVING)

    async def Watch(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[Any]:
        yield await self.Check(Request(), context)
        yield await self.Check(request, context)


class ThreadedService(health_pb2_grpc.HealthServicer):
    """The same without asyncio."""

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.service == "refuse":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        if request.service == "break":
            raise KeyError("secret")
        return Response(status=Response.SERVING)

    def Watch(  # noqa: N802
        self, request: Any, context: Any
    ) -> Iterator[Any]:
        yield self.Check(Request(), context)
        yield self.Check(request, context)


@asynccontextmanager
async def serving(kind: str) -> AsyncIterator[str]:
    """The address of a server of that kind."""
    if kind == "asyncio":
        server = create_server()
        health_pb2_grpc.add_HealthServicer_to_server(AsyncService(), server)
        reflection.enable_server_reflection((reflection.SERVICE_NAME,), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        yield f"127.0.0.1:{port}"
        await server.stop(None)
        return
    threaded = create_threaded_server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(ThreadedService(), threaded)
    reflection.enable_server_reflection((reflection.SERVICE_NAME,), threaded)
    port = threaded.add_insecure_port("127.0.0.1:0")
    threaded.start()
    yield f"127.0.0.1:{port}"
    threaded.stop(None)
