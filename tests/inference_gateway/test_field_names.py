"""A model-server's complaint names the field as the client sent it."""

import json
from typing import Any

import grpc
import pytest

from inference_gateway.backends.backend import BackendError
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.grpc_backend import GrpcBackend
from inference_gateway.formats.api_format import ApiFormat
from inference_gateway.formats.kaito_chat import KaitoChat
from inference_gateway.formats.openai_chat import OpenAiChat
from inference_gateway.formats.openai_completions import OpenAiCompletions
from tests.inference_gateway.model_server import serving
from tests.inference_gateway.running import gateway

CHAT, TEXT, KAITO = OpenAiChat(), OpenAiCompletions(), KaitoChat()
HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
PROMPT: dict[str, Any] = {"prompt": "Hi"}


@pytest.mark.parametrize(
    ("api_format", "sent", "field", "name"),
    [
        (CHAT, HI, "options.temperature", "temperature"),
        (CHAT, HI | {"n": 3}, "options.num_return_sequences", "n"),
        (CHAT, HI | {"max_tokens": 0}, "options.max_new_tokens", "max_tokens"),
        (
            CHAT,
            HI | {"max_completion_tokens": 0},
            "options.max_new_tokens",
            "max_completion_tokens",
        ),
        (CHAT, HI, "options.min_new_tokens", "min_tokens"),
        (CHAT, HI, "options.num_beams", None),
        (CHAT, HI, "chat.messages[3].role", "messages.3.role"),
        (CHAT, HI, "chat.messages", "messages"),
        (CHAT, HI, "chat", "messages"),
        (CHAT, HI, "input", "messages"),
        (CHAT, HI, "model", "model"),
        (CHAT, HI, "something.new", None),
        (TEXT, PROMPT, "prompt", "prompt"),
        (TEXT, PROMPT, "input", "prompt"),
        (TEXT, PROMPT, "options.max_new_tokens", "max_tokens"),
        (TEXT, PROMPT, "options.stop", "stop"),
        (TEXT, PROMPT, "model", "model"),
        (KAITO, PROMPT, "prompt", "prompt"),
        (KAITO, PROMPT, "input", "prompt"),
        (KAITO, PROMPT, "chat.messages[0].role", "prompt"),
        (KAITO, HI, "chat.messages[0].role", "messages.0.role"),
        (KAITO, HI, "options.num_beams", "generate_kwargs.num_beams"),
        (KAITO, HI, "options.stop", "generate_kwargs.stop_strings"),
        (KAITO, HI, "options.max_length", "generate_kwargs.max_length"),
        (KAITO, HI, "model", "model"),
        (KAITO, HI, "something.new", None),
    ],
)
def test_field_has_the_name_that_the_client_sent(
    api_format: ApiFormat, sent: dict[str, Any], field: str, name: str | None
) -> None:
    assert api_format.parse(json.dumps(sent).encode()).sent_name(field) == name


@pytest.mark.parametrize("stream", [False, True])
async def test_rejection_arrives_under_the_clients_name(
    script: FakeBackend, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "inference_gateway")
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    message = "options.num_return_sequences = 16: must not exceed num_beams, 3"
    field = "options.num_return_sequences"
    async with serving(script) as address, gateway(lambda _: GrpcBackend(address)) as client:
        script.failures.append(BackendError(invalid, message, field=field))
        body = HI | {"n": 16, "stream": stream}
        response = await client.post("/v1/chat/completions", json=body)
        assert response.status == 400
        assert (await response.json())["error"] == {
            "message": "n = 16: must not exceed num_beams, 3",
            "type": "invalid_request_error",
            "param": "n",
            "code": "invalid_value",
        }
        script.failures.append(BackendError(invalid, message, field=field))
        assert (await (await client.post("/chat", json=PROMPT)).json())["detail"] == (
            "generate_kwargs.num_return_sequences = 16: must not exceed num_beams, 3"
        )
    errors = [vars(record).get("error") for record in caplog.records]
    assert "invalid_value: n" in errors


async def test_a_model_that_is_not_loaded_has_its_parameter(script: FakeBackend) -> None:
    async with gateway(lambda _: script) as client:
        script.failures.append(
            BackendError(grpc.StatusCode.NOT_FOUND, "model 's3cret' is not loaded")
        )
        response = await client.post("/v1/chat/completions", json=HI | {"model": "s3cret"})
        error = (await response.json())["error"]
    assert (response.status, error["param"], error["code"]) == (404, "model", "model_not_found")


async def test_developer_is_the_system_role_in_all_formats(script: FakeBackend) -> None:
    turns = [{"role": "developer", "content": "Be brief."}, *HI["messages"]]
    async with gateway(lambda _: script) as client:
        for path in ("/chat", "/v1/chat/completions"):
            assert (await client.post(path, json={"messages": turns})).status == 200
    for request in script.requests:
        assert [each.role for each in request.chat.messages] == ["system", "user"]


@pytest.mark.parametrize("path", ["/", "/livez", "/healthz", "/metrics", "/v1/models"])
async def test_head_answers_as_get_without_a_body(script: FakeBackend, path: str) -> None:
    async with gateway(lambda _: script) as client:
        get, head = await client.get(path), await client.head(path)
        assert (head.status, await head.read()) == (get.status, b"")
        assert head.content_type == get.content_type
