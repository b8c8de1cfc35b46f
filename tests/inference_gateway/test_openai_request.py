"""Requests of the OpenAI API: how they are translated, and how wrong ones are rejected."""

import json
from typing import Any

import pytest

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.api_format import ApiFormat, GenerationContext
from inference_gateway.formats.openai_chat import OpenAiChat
from inference_gateway.formats.openai_completions import OpenAiCompletions
from kaito.inference.v1 import inference_pb2 as pb

CHAT: ApiFormat = OpenAiChat()
TEXT: ApiFormat = OpenAiCompletions()
MESSAGES = [{"role": "user", "content": "Hi"}]


def chat(generation: GenerationContext, **fields: Any) -> pb.GenerateRequest:
    body = json.dumps({"messages": MESSAGES} | fields).encode()
    (request,) = CHAT.parse(body).requests(generation)
    return request


def rejection(api_format: ApiFormat, data: bytes) -> Problem:
    with pytest.raises(RequestRejected) as caught:
        api_format.parse(data)
    return caught.value.problem


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"temperature": 0}, {"do_sample": False}),
        ({"temperature": 0.5}, {"temperature": 0.5, "do_sample": True}),
        ({"top_k": -1}, {"top_k": 0, "do_sample": True}),
        ({"max_tokens": 5}, {"max_new_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_new_tokens": 7}),
        ({"n": 3}, {"num_return_sequences": 3}),
        ({"seed": -1}, {"seed": -1}),
        ({"user": "u", "store": True, "metadata": {}}, {}),
    ],
    ids="empty greedy warm top_k_off max_tokens newer_name n seed unknown".split(),
)
def test_options(
    generation: GenerationContext, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert chat(generation, **fields).options == pb.GenerationOptions(**expected)


@pytest.mark.parametrize("stop", ["x", ["x"]], ids=["text", "list"])
def test_stop_strings(generation: GenerationContext, stop: Any) -> None:
    assert list(chat(generation, stop=stop).options.stop) == ["x"]


def test_messages(generation: GenerationContext) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "name": "x"},
    ]
    found = [
        (each.role, each.content) for each in chat(generation, messages=messages).chat.messages
    ]
    assert found == [("system", "Be brief."), ("user", "a\nb"), ("assistant", "")]


def test_fields_without_effect_are_reported_unless_they_are_null() -> None:
    request = {
        "messages": [*MESSAGES, {"role": "user", "content": "x", "name": "ann", "refusal": None}],
        "reasoning_effort": "high",
        "parallel_tool_calls": False,
        "modalities": ["text"],
        "tool_choice": "auto",
        "user": None,
        "verbosity": "low",
    }
    parsed = CHAT.parse(json.dumps(request).encode())
    assert parsed.ignored_parameters(pb.Model()) == (
        "verbosity",
        "reasoning_effort",
        "parallel_tool_calls",
        "messages.name",
    )
    features = ["chat.template_arguments.reasoning_effort", "chat.messages.name"]
    assert parsed.ignored_parameters(pb.Model(features=features)) == (
        "verbosity",
        "parallel_tool_calls",
    )
    text = TEXT.parse(b'{"prompt": "x", "safety_identifier": "y"}')
    assert text.ignored_parameters(pb.Model()) == ("safety_identifier",)


def test_completions_default_to_16_tokens_for_each_prompt(generation: GenerationContext) -> None:
    requests = TEXT.parse(b'{"prompt": ["a", "b"]}').requests(generation)
    assert [request.prompt for request in requests] == ["a", "b"]
    assert requests[0].options.max_new_tokens == 16


@pytest.mark.parametrize(
    ("api_format", "fields", "param", "code"),
    [
        (CHAT, {}, "messages", "missing_required_parameter"),
        (CHAT, {"messages": []}, "messages", "invalid_value"),
        (CHAT, {"messages": [{"content": "x"}]}, "messages.0.role", "missing_required_parameter"),
        (CHAT, {"messages": MESSAGES, "temperature": "hot"}, "temperature", "invalid_type"),
        (CHAT, {"messages": MESSAGES, "n": "1"}, "n", "invalid_type"),
        (CHAT, {"messages": MESSAGES, "n": 17}, "n", "invalid_value"),
        (CHAT, {"messages": MESSAGES, "stream": "yes"}, "stream", "invalid_type"),
        (CHAT, {"messages": MESSAGES, "max_tokens": 2**40}, "max_tokens", "invalid_value"),
        *(
            (CHAT, {"messages": MESSAGES, name: value}, name, "unsupported_parameter")
            for name, value in (
                ("modalities", ["text", "audio"]),
                ("audio", {"voice": "alloy"}),
                ("top_logprobs", 2),
                ("prompt_logprobs", 0),
                ("functions", [{"name": "f"}]),
                ("add_generation_prompt", False),
                ("chat_template", "x"),
                ("function_call", {"name": "f"}),
                ("web_search_options", {}),
            )
        ),
        (
            CHAT,
            {"messages": [*MESSAGES, {"role": "assistant", "function_call": {"name": "f"}}]},
            "messages.1.function_call",
            "unsupported_parameter",
        ),
        (TEXT, {"prompt": "x", "suffix": "y"}, "suffix", "unsupported_parameter"),
        (TEXT, {"prompt": "x", "best_of": 2}, "best_of", "unsupported_parameter"),
        (TEXT, {"prompt": ["x"] * 33}, "prompt", "invalid_value"),
        (TEXT, {"prompt": 5}, "prompt", "invalid_type"),
        (TEXT, {"prompt": [1, -2]}, "prompt.1", "invalid_value"),
        (TEXT, {"prompt": [[1], [2, "x"]]}, "prompt.1.1", "invalid_type"),
        (TEXT, {"prompt": ["a", 2]}, "prompt.1", "invalid_type"),
        (TEXT, {"prompt": "x", "logit_bias": {"a": 1}}, "logit_bias.a", "invalid_value"),
        (TEXT, {"prompt": "x", "logit_bias": {"5": "b"}}, "logit_bias.5", "invalid_type"),
    ],
)
def test_rejections_name_the_field(
    api_format: ApiFormat, fields: dict[str, Any], param: str, code: str
) -> None:
    problem = rejection(api_format, json.dumps(fields).encode())
    assert problem.status == 400
    assert (problem.param, problem.code) == (param, code)
    assert param in problem.message


def test_image_part_is_rejected() -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    problem = rejection(CHAT, json.dumps({"messages": [message]}).encode())
    assert problem.param == "messages.0.content.0.type"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b'{"prompt": ' + b"9" * 4301 + b"}", b"[" * 9999],
    ids=["empty", "cut", "bytes", "digits", "nested"],
)
def test_body_that_is_not_json_is_rejected(data: bytes) -> None:
    problem = rejection(CHAT, data)
    assert problem.status == 400
    assert "not JSON" in problem.message
