"""Fixtures that most tests of the gateway share."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.grpc_backend import GrpcBackend
from inference_gateway.formats.api_format import GenerationContext
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.model_server import serving
from tests.inference_gateway.running import gateway


@pytest.fixture
def script() -> FakeBackend:
    return FakeBackend()


@pytest.fixture(params=["fake", "grpc"])
async def client(
    request: pytest.FixtureRequest, script: FakeBackend
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a gateway before `script`, in its process or behind gRPC."""
    if request.param == "fake":
        async with gateway(lambda _: script) as session:
            yield session
        return
    async with serving(script) as address, gateway(lambda _: GrpcBackend(address)) as session:
        yield session


@pytest.fixture
def generation(script: FakeBackend) -> GenerationContext:
    return GenerationContext(
        request_id="r1", created=1_700_000_000, served_model="", model=script.loaded
    )


@pytest.fixture
def response() -> pb.GenerateResponse:
    return pb.GenerateResponse(
        choices=[pb.Choice(text="Blue.", finish_reason=pb.FINISH_REASON_STOP)],
        usage=pb.Usage(prompt_tokens=4, completion_tokens=2),
        model="phi-3-mini-128k-instruct",
    )
