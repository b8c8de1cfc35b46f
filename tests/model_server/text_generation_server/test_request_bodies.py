"""Requests of the contract become requests of the document, or are rejected by field."""

from typing import Any

import pytest

from model_server.engine import ChatMessage, Conversation, GenerationRequest, StructuredOutput
from model_server.errors import InvalidRequest
from model_server.options import GenerationOptions
from model_server.text_generation_server.request_bodies import build_body, build_chat
from tests.model_server.text_generation_server.published_contract import check_request


def _parameters(
    *,
    choice: int = 0,
    adapter: str | None = None,
    output: StructuredOutput | None = None,
    **options: Any,
) -> dict[str, Any]:
    request = GenerationRequest(
        prompt="Hi",
        options=GenerationOptions(max_new_tokens=9, **options),
        adapter=adapter,
        structured_output=output,
    )
    body = build_body(request, "Hi", choice=choice, max_stop_strings=4)
    check_request("POST /generate_stream", body)
    assert body["inputs"] == "Hi"
    parameters: dict[str, Any] = body["parameters"]
    assert (parameters.pop("max_new_tokens"), parameters.pop("details")) == (9, True)
    return parameters


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        # Unset means the server's own default: it samples if another option needs that.
        ({}, {}),
        ({"temperature": 0.5, "seed": 3}, {"temperature": 0.5, "seed": 3}),
        # Any of these would make the server sample.
        (
            {"do_sample": False, "temperature": 0.5, "top_k": 5, "top_p": 0.9, "seed": 3},
            {"do_sample": False},
        ),
        (
            {"do_sample": True, "temperature": 0.5, "top_k": 5, "top_p": 0.9, "typical_p": 0.8},
            {"do_sample": True, "temperature": 0.5, "top_k": 5, "top_p": 0.9, "typical_p": 0.8},
        ),
        # The server rejects the values that turn a rule off.
        (
            {"do_sample": True, "top_k": 0, "top_p": 1.0, "typical_p": 1.0, "min_p": 0.0},
            {"do_sample": True},
        ),
        ({"repetition_penalty": 1.0, "frequency_penalty": 0.0}, {}),
        (
            {"repetition_penalty": 1.2, "frequency_penalty": -1.5},
            {"repetition_penalty": 1.2, "frequency_penalty": -1.5},
        ),
        ({"logprobs": True, "top_logprobs": 3}, {"top_n_tokens": 3}),
        ({"logprobs": True, "top_logprobs": 0}, {}),
        ({"num_beams": 1, "min_new_tokens": 0, "length_penalty": 2.0}, {}),
        # The server takes four; what is more is looked for here.
        ({"stop": tuple("abcdef")}, {"stop": ["a", "b", "c", "d"]}),
    ],
)
def test_options_become_parameters(options: dict[str, Any], parameters: dict[str, Any]) -> None:
    assert _parameters(**options) == parameters


def test_each_choice_has_a_seed_of_its_own() -> None:
    seeds = [_parameters(choice=each, do_sample=True, seed=7)["seed"] for each in range(3)]
    assert seeds == [7, 8, 9]
    odd = [_parameters(do_sample=True, seed=seed)["seed"] for seed in (0, -1, 2**63 - 1, -(2**63))]
    assert all(0 < seed < 2**63 for seed in odd)


def test_an_adapter_is_named() -> None:
    assert _parameters(adapter="poet")["adapter_id"] == "poet"


@pytest.mark.parametrize(
    ("output", "grammar"),
    [
        (
            StructuredOutput(json_schema='{"properties": {"a": {"type": "string"}}}'),
            {"type": "json", "value": {"properties": {"a": {"type": "string"}}}},
        ),
        (StructuredOutput(regex="[0-9]+"), {"type": "regex", "value": "[0-9]+"}),
        (StructuredOutput(choice=("yes", "a.b")), {"type": "regex", "value": r"yes|a\.b"}),
    ],
)
def test_structured_output_becomes_a_grammar(
    output: StructuredOutput, grammar: dict[str, Any]
) -> None:
    assert _parameters(output=output)["grammar"] == grammar


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"min_new_tokens": 3}, "options.min_new_tokens"),
        ({"num_beams": 2}, "options.num_beams"),
        ({"no_repeat_ngram_size": 2}, "options.no_repeat_ngram_size"),
        ({"min_p": 0.1}, "options.min_p"),
        ({"presence_penalty": 0.5}, "options.presence_penalty"),
        ({"ignore_eos": True}, "options.ignore_eos"),
        ({"prompt_logprobs": True}, "options.prompt_logprobs"),
        ({"logit_bias": {7: 1.0}}, "options.logit_bias"),
        ({"output": StructuredOutput(grammar="root ::= x")}, "structured_output.grammar"),
        ({"output": StructuredOutput(json_object=True)}, "structured_output.json_object"),
        ({"output": StructuredOutput(json_schema="{")}, "structured_output.json_schema"),
        (
            {"output": StructuredOutput(json_schema='{"type": "array"}')},
            "structured_output.json_schema",
        ),
    ],
)
def test_what_the_server_lacks_is_rejected_by_name(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        _parameters(**options)
    assert caught.value.field == field


def test_a_conversation_is_rendered_by_the_server() -> None:
    messages = (ChatMessage("system", "Be brief."), ChatMessage("user", "Hi"))
    body = build_chat(Conversation(messages=messages))
    check_request("POST /chat_tokenize", body)
    assert body["messages"][1] == {"role": "user", "content": "Hi"}
    with pytest.raises(InvalidRequest, match=r"chat\.messages\[0\]\.role = 'owl'"):
        build_chat(Conversation(messages=(ChatMessage("owl", "hu"),)))
