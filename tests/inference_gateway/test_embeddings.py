"""Vectors: OpenAI's route, and those of text-embeddings-inference and huggingface_hub."""

import base64
import struct
from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import BackendError, TokenRequest, TokenResponse
from inference_gateway.backends.fake import FakeBackend
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import gateway

PATH = "/v1/embeddings"
# The fake's vector has a one in the place of its input's length.
ONE, TWO = [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]


async def post(client: aiohttp.ClientSession, path: str, **body: Any) -> Any:
    response = await client.post(path, json=body)
    assert response.status == 200, await response.text()
    return await response.json()


@pytest.mark.parametrize(
    ("sent", "vectors"),
    [("a", [ONE]), (["a", "bb"], [ONE, TWO]), ([5, 6], [TWO]), ([[5], [6, 7]], [ONE, TWO])],
    ids=str,
)
async def test_inputs(client: aiohttp.ClientSession, sent: Any, vectors: Any) -> None:
    found = await post(client, PATH, input=sent)
    assert [each["embedding"] for each in found["data"]] == vectors
    assert [each["index"] for each in found["data"]] == list(range(len(vectors)))
    tokens = int(sum(index for vector in vectors for index, one in enumerate(vector) if one))
    assert found["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert found["model"] == "phi-3-mini-128k-instruct"


async def test_base64_is_what_openais_client_decodes(client: aiohttp.ClientSession) -> None:
    found = await post(client, PATH, input="a", encoding_format="base64", dimensions=3)
    data = base64.b64decode(found["data"][0]["embedding"])
    assert struct.unpack("<3f", data) == (0.0, 1.0, 0.0)


async def test_many_inputs_become_a_few_calls(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    found = await post(client, PATH, input=["a", "bb"] * 40, truncate_prompt_tokens=-1)
    assert [each["embedding"] for each in found["data"]] == [ONE, TWO] * 40
    assert found["usage"]["prompt_tokens"] == 120
    calls = [call for call in script.converted if isinstance(call, pb.EmbedRequest)]
    assert sorted(len(call.inputs) for call in calls) == [16, 32, 32]
    assert all(call.truncate for call in calls)
    text = await (await client.get("/metrics")).text()
    assert 'kind="prompt",model="phi-3-mini-128k-instruct"} 120.0' in text


@pytest.mark.parametrize("path", ["/embed", "/pipeline/feature-extraction"])
async def test_feature_extraction(client: aiohttp.ClientSession, path: str) -> None:
    assert await post(client, path, inputs="a") == [ONE]
    assert await post(client, path, inputs=["a", "bb"], truncate=True) == [ONE, TWO]


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        (PATH, {}, 400, "input"),
        (PATH, {"input": []}, 400, "input"),
        (PATH, {"input": [[]]}, 400, "input.0"),
        (PATH, {"input": ["a", 5]}, 400, "input.1"),
        (PATH, {"input": "a", "encoding_format": "hex"}, 400, "encoding_format"),
        (PATH, {"input": "a", "dimensions": -1}, 400, "dimensions"),
        (PATH, {"input": ["a"] * 2049}, 400, "input"),
        ("/embed", {"inputs": "a", "normalize": False}, 422, "normalize"),
        ("/embed", {"inputs": "a", "prompt_name": "query"}, 422, "prompt_name"),
        ("/embed", {"inputs": {}}, 422, "inputs"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_wrong_requests_are_rejected_by_name(
    client: aiohttp.ClientSession, path: str, body: dict[str, Any], status: int, param: str
) -> None:
    response = await client.post(path, json=body)
    assert response.status == status
    error = (await response.json())["error"]
    if path == PATH:
        assert error["param"] == param
        error = error["message"]
    assert param in error


@pytest.mark.parametrize(
    ("path", "body", "field", "name"),
    [
        (PATH, {"input": ["a"] * 20}, "inputs[3].text", "input.3"),
        (PATH, {"input": [[1, 2]]}, "inputs[0].token_ids.ids[1]", "input.0.1"),
        (PATH, {"input": [1, 2]}, "inputs[0].token_ids.ids[1]", "input.1"),
        (PATH, {"input": "a"}, "inputs[0].text", "input"),
        (PATH, {"input": "a"}, "inputs", "input"),
        (PATH, {"input": "a"}, "dimensions", "dimensions"),
        ("/embed", {"inputs": ["a", "b"]}, "inputs[1].text", "inputs.1"),
    ],
)
async def test_refusals_of_the_model_server_name_the_clients_field(
    client: aiohttp.ClientSession,
    script: FakeBackend,
    path: str,
    body: dict[str, Any],
    field: str,
    name: str,
) -> None:
    error = BackendError(grpc.StatusCode.INVALID_ARGUMENT, f"{field} = 9: is wrong", field=field)
    script.failures.append(error)
    response = await client.post(path, json=body)
    assert response.status == 400
    assert f"{name} = 9: is wrong" in await response.text()


class LongInput(FakeBackend):
    """Rejects the input "long"."""

    async def convert(self, request: TokenRequest, timeout_seconds: float) -> TokenResponse:
        assert isinstance(request, pb.EmbedRequest)
        for index, each in enumerate(request.inputs):
            if each.text == "long":
                field = f"inputs[{index}].text"
                message = f"{field}: is longer than the context"
                raise BackendError(grpc.StatusCode.INVALID_ARGUMENT, message, field=field)
        return await super().convert(request, timeout_seconds)


async def test_an_input_of_a_later_call_has_its_own_place() -> None:
    async with gateway(lambda _: LongInput()) as client:
        response = await client.post(PATH, json={"input": ["a"] * 33 + ["long"]})
        error = (await response.json())["error"]
    assert (error["param"], error["message"]) == (
        "input.33",
        "input.33: is longer than the context",
    )


async def test_an_engine_without_embeddings(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    message = "this model's engine has no embeddings"
    script.failures.append(BackendError(grpc.StatusCode.UNIMPLEMENTED, message))
    response = await client.post(PATH, json={"input": "a"})
    assert response.status == 501
    assert (await response.json())["error"]["message"] == message
