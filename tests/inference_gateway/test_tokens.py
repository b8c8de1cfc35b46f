"""/tokenize and /detokenize through a real server on loopback, as vLLM's clients call them."""

from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import BackendError
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.errors import RequestRejected
from inference_gateway.formats.tokens import Detokenize
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import gateway

MESSAGES = [{"role": "developer", "content": "Hi"}]


async def test_prompt_is_tokenized(client: aiohttp.ClientSession, script: FakeBackend) -> None:
    response = await client.post("/tokenize", json={"prompt": "Hi"})
    assert await response.json() == {
        "count": 2,
        "max_model_len": 131072,
        "tokens": [72, 105],
        "token_strs": None,
    }
    assert script.converted == [pb.TokenizeRequest(prompt="Hi", add_special_tokens=True)]


async def test_conversation_is_tokenized(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    body = {"messages": MESSAGES, "return_token_strs": True, "model": script.loaded.name}
    answer = await (await client.post("/tokenize", json=body)).json()
    assert answer["token_strs"] == list("<system>Hi")
    (request,) = script.converted
    assert request.model == script.loaded.name


async def test_tokens_give_their_text(client: aiohttp.ClientSession) -> None:
    response = await client.post("/detokenize", json={"tokens": [72, 105]})
    assert await response.json() == {"prompt": "Hi"}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": "x", "messages": MESSAGES}, "prompt"),
        ("/tokenize", {"prompt": 5}, "prompt"),
        ("/tokenize", {"messages": []}, "messages"),
        ("/tokenize", {"messages": MESSAGES, "add_generation_prompt": False}, None),
        ("/tokenize", {"messages": MESSAGES, "chat_template": "x"}, None),
        ("/tokenize", {"messages": MESSAGES, "tools": [{}]}, "tools.0.type"),
        (
            "/tokenize",
            {"messages": [{"role": "assistant", "tool_calls": [{}]}]},
            "messages.0.tool_calls.0.id",
        ),
        ("/detokenize", {}, "tokens"),
        ("/detokenize", {"tokens": "x"}, "tokens"),
        ("/detokenize", {"tokens": [1, -1]}, "tokens.1"),
        ("/detokenize", {"tokens": [2**32]}, "tokens.0"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_wrong_requests_are_rejected_by_name(
    script: FakeBackend, path: str, body: dict[str, Any], param: str | None
) -> None:
    async with gateway(lambda _: script) as client:
        response = await client.post(path, json=body)
        assert response.status == 400
        error = (await response.json())["error"]
    assert error["param"] == (param or list(body)[-1])
    assert script.converted == []


@pytest.mark.parametrize(
    ("path", "body", "field", "param"),
    [
        ("/detokenize", {"tokens": [1, 2]}, "token_ids[1]", "tokens.1"),
        ("/detokenize", {"tokens": [1, 2]}, "token_ids", "tokens"),
        ("/tokenize", {"prompt": "x"}, "prompt", "prompt"),
        ("/tokenize", {"messages": MESSAGES}, "chat.messages[0].role", "messages.0.role"),
    ],
)
async def test_refusals_of_the_model_server_name_the_clients_field(
    client: aiohttp.ClientSession,
    script: FakeBackend,
    path: str,
    body: dict[str, Any],
    field: str,
    param: str,
) -> None:
    code = grpc.StatusCode.INVALID_ARGUMENT
    script.failures.append(BackendError(code, f"{field} = 2: is wrong", field=field))
    response = await client.post(path, json=body)
    error = (await response.json())["error"]
    assert (response.status, error["param"]) == (400, param)
    assert error["message"] == f"{param} = 2: is wrong"


async def test_what_has_no_effect_is_reported(script: FakeBackend) -> None:
    del script.loaded.features[:]
    body = {"messages": [{**MESSAGES[0], "name": "a"}], "add_special_tokens": True, "x": 1}
    async with gateway(lambda _: script) as client:
        response = await client.post("/tokenize", json=body)
        names = response.headers["x-kaito-ignored-parameters"]
        assert names == "add_special_tokens, x, messages.name"
        plain = await client.post("/detokenize", json={"tokens": [72], "y": 1})
        assert plain.headers["x-kaito-ignored-parameters"] == "y"


async def test_unknown_workspace_is_404(client: aiohttp.ClientSession) -> None:
    response = await client.post("/workspaces/x/y/tokenize", json={"prompt": "x"})
    assert response.status == 404


def test_more_tokens_than_any_context_holds_are_rejected_while_reading() -> None:
    body = b'{"tokens": [' + b"0," * 2**20 + b"0]}"
    with pytest.raises(RequestRejected) as caught:
        Detokenize().parse(body)
    assert caught.value.problem.param == "tokens"
