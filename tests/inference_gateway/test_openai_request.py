"""What OpenAI requests become, and how wrong ones are refused."""

import json
from typing import Any

import pytest

from inference_gateway.dialects.dialect import About, Dialect
from inference_gateway.dialects.openai_chat import OpenAiChat
from inference_gateway.dialects.openai_completions import OpenAiCompletions
from inference_gateway.errors import Problem, Refused
from kaito.inference.v1 import inference_pb2 as pb

CHAT: Dialect = OpenAiChat()
TEXT: Dialect = OpenAiCompletions()
TURNS = [{"role": "user", "content": "Hi"}]


def chat(about: About, **fields: Any) -> pb.GenerateRequest:
    (request,) = CHAT.read(json.dumps({"messages": TURNS} | fields).encode()).requests(about)
    return request


def refusal(dialect: Dialect, data: bytes) -> Problem:
    with pytest.raises(Refused) as caught:
        dialect.read(data)
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
def test_options(about: About, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert chat(about, **fields).options == pb.GenerationOptions(**expected)


@pytest.mark.parametrize("stop", ["x", ["x"]], ids=["text", "list"])
def test_stop(about: About, stop: Any) -> None:
    assert list(chat(about, stop=stop).options.stop) == ["x"]


def test_turns(about: About) -> None:
    turns = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "name": "x"},
    ]
    found = [(turn.role, turn.content) for turn in chat(about, messages=turns).chat.messages]
    assert found == [("system", "Be brief."), ("user", "a\nb"), ("assistant", "")]


def test_penalties_are_told_to_be_ignored() -> None:
    data = json.dumps({"messages": TURNS, "presence_penalty": 1, "frequency_penalty": 0}).encode()
    assert CHAT.read(data).ignored == ("presence_penalty",)


def test_completions_have_openais_limit_and_prompts(about: About) -> None:
    requests = TEXT.read(b'{"prompt": ["a", "b"]}').requests(about)
    assert [request.prompt for request in requests] == ["a", "b"]
    assert requests[0].options.max_new_tokens == 16


@pytest.mark.parametrize(
    ("dialect", "fields", "param", "code"),
    [
        (CHAT, {}, "messages", "missing_required_parameter"),
        (CHAT, {"messages": []}, "messages", "invalid_value"),
        (CHAT, {"messages": [{"content": "x"}]}, "messages.0.role", "missing_required_parameter"),
        (CHAT, {"messages": TURNS, "temperature": "hot"}, "temperature", "invalid_type"),
        (CHAT, {"messages": TURNS, "n": "1"}, "n", "invalid_type"),
        (CHAT, {"messages": TURNS, "n": 17}, "n", "invalid_value"),
        (CHAT, {"messages": TURNS, "stream": "yes"}, "stream", "invalid_type"),
        (CHAT, {"messages": TURNS, "max_tokens": 2**40}, "max_tokens", "invalid_value"),
        (CHAT, {"messages": TURNS, "logprobs": True}, "logprobs", "unsupported_parameter"),
        (CHAT, {"messages": TURNS, "tools": [{}]}, "tools", "unsupported_parameter"),
        (
            CHAT,
            {"messages": TURNS, "response_format": {"type": "json_object"}},
            "response_format",
            "unsupported_parameter",
        ),
        (TEXT, {"prompt": "x", "logprobs": 0}, "logprobs", "unsupported_parameter"),
        (TEXT, {"prompt": "x", "suffix": "y"}, "suffix", "unsupported_parameter"),
        (TEXT, {"prompt": "x", "best_of": 2}, "best_of", "unsupported_parameter"),
        (TEXT, {"prompt": ["x"] * 33}, "prompt", "invalid_value"),
        (TEXT, {"prompt": 5}, "prompt", "invalid_type"),
        (TEXT, {"prompt": [1, 2]}, "prompt.0", "invalid_type"),
    ],
)
def test_refusals_name_the_field(
    dialect: Dialect, fields: dict[str, Any], param: str, code: str
) -> None:
    problem = refusal(dialect, json.dumps(fields).encode())
    assert problem.status == 400
    assert (problem.param, problem.code) == (param, code)
    assert param in problem.message


def test_an_image_part_is_refused() -> None:
    turn = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    problem = refusal(CHAT, json.dumps({"messages": [turn]}).encode())
    assert problem.param == "messages.0.content.0.type"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff"], ids=["empty", "cut", "bytes"])
def test_not_json(data: bytes) -> None:
    problem = refusal(CHAT, data)
    assert problem.status == 400
    assert "not JSON" in problem.message
