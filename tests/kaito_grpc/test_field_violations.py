"""A server names the wrong field, and a client reads it."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kaito_grpc.channels import open_channel
from kaito_grpc.field_violations import FieldViolation, from_error, to_trailers
from kaito_grpc.servers import create_server

MESSAGE = "options.temperature = -1: must be 0 or more"
VIOLATION = FieldViolation("options.temperature", "must be 0 or more")
Request: Any = health_pb2.HealthCheckRequest
Response: Any = health_pb2.HealthCheckResponse
# The published types of the stubs leave their methods out.
HealthStub: Any = health_pb2_grpc.HealthStub


class Refusing(health_pb2_grpc.HealthServicer):
    async def Check(  # noqa: N802
        self, request: Any, context: Any
    ) -> Any:
        text = "another text" if request.service == "contradiction" else MESSAGE
        trailers = to_trailers(MESSAGE, VIOLATION) if request.service else ()
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, text, trailers)
        raise AssertionError("abort always raises")


@pytest.fixture
async def stub() -> AsyncIterator[Any]:
    server = create_server()
    health_pb2_grpc.add_HealthServicer_to_server(Refusing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        yield HealthStub(channel)
    await server.stop(None)


@pytest.mark.parametrize(
    ("service", "expected"), [("field", VIOLATION), ("", None), ("contradiction", None)]
)
async def test_the_field_arrives_with_its_description(
    stub: Any, service: str, expected: FieldViolation | None
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(Request(service=service))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert from_error(caught.value) == expected
