"""/chat against KAITO's schema: fields, defaults, results, errors."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference_gateway.errors import RequestRejected
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.kaito_chat import KaitoChat
from inference_gateway.formats.kaito_schema import GenerateKwargs, KaitoChatRequest
from kaito.inference.v1 import inference_pb2 as pb

GOLDEN = Path(__file__).parent / "golden"
FORMAT = KaitoChat()


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def translated(generation: GenerationContext, **fields: Any) -> pb.GenerateRequest:
    (request,) = FORMAT.parse(body(**fields)).requests(generation)
    return request


def result(generation: GenerationContext, response: pb.GenerateResponse, **fields: Any) -> Any:
    parsed = FORMAT.parse(body(**fields))
    return json.loads(parsed.response_body([response], generation))["Result"]


def rejected(data: bytes) -> tuple[int, Any]:
    with pytest.raises(RequestRejected) as caught:
        FORMAT.parse(data)
    problem = caught.value.problem
    return problem.status, json.loads(FORMAT.error_body(problem))["detail"]


def test_defaults_are_kaitos() -> None:
    golden = json.loads((GOLDEN / "kaito_chat_defaults.json").read_text())
    assert GenerateKwargs.model_validate({}).model_dump() == golden["generate_kwargs"]
    own = KaitoChatRequest.model_validate({}).model_dump()
    assert own.pop("model") is None
    assert own == golden["request"]


def test_generate_kwargs_bring_kaitos_defaults(generation: GenerationContext) -> None:
    options = translated(generation, prompt="Hi", generate_kwargs={}).options
    assert {field.name: value for field, value in options.ListFields()} == {
        "max_length": 200,
        "do_sample": True,
        "early_stopping": False,
        "num_beams": 1,
        "temperature": 1.0,
        "top_k": 10,
        "top_p": 1.0,
        "typical_p": 1.0,
        "repetition_penalty": 1.0,
        "length_penalty": 1.0,
        "no_repeat_ngram_size": 0,
        "num_return_sequences": 1,
    }


def test_model_defaults_apply_without_generate_kwargs(generation: GenerationContext) -> None:
    assert translated(generation, prompt="Hi").options == pb.GenerationOptions()


def test_additional_keys(generation: GenerationContext) -> None:
    sent = {"max_new_tokens": 5, "min_new_tokens": 2, "seed": 1, "stop_strings": "\n", "foo": 1}
    parsed = FORMAT.parse(body(prompt="Hi", generate_kwargs=sent | {"num_beam_groups": 2}))
    options = parsed.requests(generation)[0].options
    assert (options.max_new_tokens, options.min_new_tokens, options.seed) == (5, 2, 1)
    assert not options.HasField("max_length")
    assert list(options.stop) == ["\n"]
    assert parsed.ignored == ("num_beam_groups", "foo")


def test_prompt_is_one_user_message_with_a_chat_template(generation: GenerationContext) -> None:
    request = translated(generation, prompt="Hi", prefix="Say: ")
    assert [(each.role, each.content) for each in request.chat.messages] == [("user", "Say: Hi")]


def test_prompt_is_text_without_a_chat_template(generation: GenerationContext) -> None:
    generation.model.has_chat_template = False
    assert translated(generation, prompt="Hi").prompt == "Hi"


@pytest.mark.parametrize(
    ("fields", "template", "expected"),
    [
        ({}, True, "Sky?\nBlue."),
        ({"return_full_text": None}, True, "Sky?\nBlue."),
        ({"return_full_text": False}, True, "Blue."),
        ({}, False, "Sky?Blue."),
    ],
    ids=["full", "null-is-full", "answer-only", "continuation"],
)
def test_result(
    generation: GenerationContext,
    response: pb.GenerateResponse,
    fields: dict[str, Any],
    template: bool,
    expected: str,
) -> None:
    generation.model.has_chat_template = template
    assert result(generation, response, prompt="Sky?", **fields) == expected


def test_result_joins_several_sequences(
    generation: GenerationContext, response: pb.GenerateResponse
) -> None:
    response.choices.add(index=1, text="Grey.")
    assert result(generation, response, prompt="Sky?") == "Sky?\nBlue.Sky?\nGrey."


def test_conversation_returns_the_last_message_as_text(
    generation: GenerationContext, response: pb.GenerateResponse
) -> None:
    messages = [{"role": "user", "content": "Sky?"}]
    assert (
        result(generation, response, messages=messages)
        == "{'role': 'assistant', 'content': 'Blue.'}"
    )
    assert translated(generation, messages=messages).chat.messages[0].content == "Sky?"


@pytest.mark.parametrize("data", [b"{}", b'{"prompt": ""}', b'{"messages": []}'])
def test_request_without_prompt_or_messages_is_400(data: bytes) -> None:
    assert rejected(data) == (400, "Text generation parameter prompt required")


@pytest.mark.parametrize(
    ("data", "kind", "loc"),
    [
        (b"", "missing", ["body"]),
        (b"[1]", "model_type", ["body"]),
        (b'{"prompt": 5}', "string_type", ["body", "prompt"]),
        (
            b'{"prompt": "x", "generate_kwargs": {"top_k": "many"}}',
            "int_parsing",
            ["body", "generate_kwargs", "top_k"],
        ),
        (
            b'{"prompt": "x", "generate_kwargs": {"max_new_tokens": -1}}',
            "greater_than_equal",
            ["body", "generate_kwargs", "max_new_tokens"],
        ),
        (
            b'{"messages": [{"role": "user"}]}',
            "missing",
            ["body", "messages", 0, "content"],
        ),
        (b'{"prompt": "x",}', "json_invalid", ["body", 15]),
        (b'{"prompt": "\xff"}', "json_invalid", ["body", 0]),
        (b'{"prompt": "\\ud800"}', "json_invalid", ["body", 0]),
    ],
    ids="empty array prompt kwarg additional message trailing-comma utf8 surrogate".split(),
)
def test_wrong_fields_are_422_in_fastapis_form(data: bytes, kind: str, loc: list[Any]) -> None:
    status, detail = rejected(data)
    assert status == 422
    assert (detail[0]["type"], detail[0]["loc"]) == (kind, loc)
    assert detail[0].keys() >= {"type", "loc", "msg", "input"}
