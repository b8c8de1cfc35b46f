"""Requests of the contract become OpenAI requests, or are rejected by field."""

from typing import Any

import pytest

from model_server.engine import (
    ChatMessage,
    Conversation,
    GenerationRequest,
    Prompt,
    StructuredOutput,
    TokenIds,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from model_server.errors import InvalidRequest
from model_server.openai_server.capabilities import Capabilities
from model_server.openai_server.request_bodies import build_request
from model_server.options import GenerationOptions

_VLLM = Capabilities(
    routes=frozenset(),
    chat_fields=frozenset(("top_k", "min_tokens", "structured_outputs")),
    completion_fields=frozenset(("top_k", "min_tokens", "repetition_penalty", "ignore_eos")),
)
_PLAIN = Capabilities(routes=frozenset(), chat_fields=frozenset(), completion_fields=frozenset())
_NOW = Tool("now", "The time.", {"type": "object", "properties": {}})


def _body(
    prompt: Prompt = "Hi",
    *,
    capabilities: Capabilities = _VLLM,
    structured_output: StructuredOutput | None = None,
    priority: int = 0,
    **options: Any,
) -> dict[str, Any]:
    request = GenerationRequest(
        prompt=prompt,
        options=GenerationOptions(max_new_tokens=9, **options),
        structured_output=structured_output,
        priority=priority,
    )
    return dict(build_request(request, "tiny", capabilities).body)


def _chat(*messages: ChatMessage, **values: Any) -> Conversation:
    return Conversation(messages=messages or (ChatMessage("user", "Hi"),), **values)


def test_a_prompt_is_a_completion() -> None:
    assert _body() == {
        "prompt": "Hi",
        "model": "tiny",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 9,
    }
    assert _body(TokenIds((1, 2)))["prompt"] == [1, 2]


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"temperature": 0.5, "do_sample": True}, {"temperature": 0.5}),
        ({"temperature": 0.5, "do_sample": False}, {"temperature": 0}),
        ({"top_k": 4}, {"top_k": 4}),
        ({"min_new_tokens": 3}, {"min_tokens": 3}),
        ({"repetition_penalty": 1.5}, {"repetition_penalty": 1.5}),
        ({"num_return_sequences": 2, "seed": 1}, {"n": 2, "seed": 1}),
        ({"stop": ("a", "b")}, {"stop": ["a", "b"]}),
        ({"logit_bias": {7: -1.0}}, {"logit_bias": {"7": -1.0}}),
        ({"num_beams": 1, "typical_p": 1.0, "no_repeat_ngram_size": 0}, {}),
    ],
)
def test_options_have_the_servers_names(options: dict[str, Any], fields: dict[str, Any]) -> None:
    assert _body(**options) == _body() | fields


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"num_beams": 2}, "options.num_beams"),
        ({"typical_p": 0.5}, "options.typical_p"),
        ({"no_repeat_ngram_size": 2}, "options.no_repeat_ngram_size"),
        ({"top_k": 4}, "options.top_k"),
        ({"repetition_penalty": 1.5}, "options.repetition_penalty"),
        ({"logprobs": True}, "options.logprobs"),
    ],
)
def test_what_the_server_does_not_know_is_rejected(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest, match="not supported by this model's engine") as caught:
        _body(capabilities=_PLAIN, **options)
    assert caught.value.field == field


def test_a_conversation_keeps_its_calls_and_results() -> None:
    call = ToolCall("c1", "now", '{"zone": "UTC"}')
    body = _body(
        _chat(
            ChatMessage("assistant", "", tool_calls=(call,), reasoning="Hm."),
            ChatMessage("tool", "12:00", tool_call_id="c1", name="now"),
        )
    )
    assert body["messages"] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "now", "arguments": '{"zone": "UTC"}'},
                }
            ],
            "reasoning": "Hm.",
        },
        {"role": "tool", "content": "12:00", "tool_call_id": "c1", "name": "now"},
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(), "auto"),
        (ToolChoice(ToolMode.NONE), "none"),
        (ToolChoice(ToolMode.REQUIRED), "required"),
        (
            ToolChoice(ToolMode.REQUIRED, name="now"),
            {"type": "function", "function": {"name": "now"}},
        ),
    ],
)
def test_tool_choices_have_openais_form(choice: ToolChoice, expected: object) -> None:
    body = _body(_chat(tools=(_NOW,), tool_choice=choice))
    assert body["tool_choice"] == expected
    assert body["tools"][0]["function"]["name"] == "now"
    assert "parallel_tool_calls" not in body


def test_a_single_call_is_asked_for() -> None:
    body = _body(_chat(tools=(_NOW,), tool_choice=ToolChoice(single_call=True)))
    assert body["parallel_tool_calls"] is False


def test_a_message_is_continued_without_a_new_turn() -> None:
    body = _body(_chat(continue_final_message=True, template_arguments={"thinking": False}))
    assert body["add_generation_prompt"] is False
    assert body["continue_final_message"] is True
    assert body["chat_template_kwargs"] == {"thinking": False}


@pytest.mark.parametrize(
    ("output", "fields"),
    [
        (StructuredOutput(json_object=True), {"response_format": {"type": "json_object"}}),
        (
            StructuredOutput(json_schema='{"type": "object"}'),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "answer",
                        "schema": {"type": "object"},
                        "strict": True,
                    },
                }
            },
        ),
        (StructuredOutput(regex="a+"), {"structured_outputs": {"regex": "a+"}}),
        (StructuredOutput(choice=("a", "b")), {"structured_outputs": {"choice": ["a", "b"]}}),
    ],
)
def test_structured_output_has_the_servers_form(
    output: StructuredOutput, fields: dict[str, Any]
) -> None:
    assert _body(_chat(), structured_output=output) == _body(_chat()) | fields


@pytest.mark.parametrize(
    ("output", "field"),
    [
        (StructuredOutput(regex="a+"), "structured_output.regex"),
        (StructuredOutput(json_schema="{"), "structured_output.json_schema"),
    ],
)
def test_structured_output_that_cannot_be_sent_is_rejected(
    output: StructuredOutput, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        _body(capabilities=_PLAIN, structured_output=output)
    assert caught.value.field == field


def test_the_priority_is_sent_if_it_is_set() -> None:
    assert _body(priority=-5) == _body() | {"priority": -5}
