"""Fixtures that most tests of the gateway share."""

import pytest

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.formats.api_format import GenerationContext
from kaito.inference.v1 import inference_pb2 as pb


@pytest.fixture
def script() -> FakeBackend:
    return FakeBackend()


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
