"""What an answer has to match, in the words of every API."""

import json
from typing import Any

import pytest

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.api_format import ApiFormat, GenerationContext
from inference_gateway.formats.openai_chat import OpenAiChat
from inference_gateway.formats.openai_completions import OpenAiCompletions
from inference_gateway.formats.responses.request import OpenAiResponses
from inference_gateway.formats.tgi import TextGenerationInference
from kaito.inference.v1 import inference_pb2 as pb

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
AS_SCHEMA = pb.StructuredOutput(
    json_schema='{"type":"object","properties":{"a":{"type":"integer"}}}'
)
MESSAGES = [{"role": "user", "content": "x"}]
CHAT, TEXT = OpenAiChat(), OpenAiCompletions()
TGI, RESPONSES = TextGenerationInference("whole"), OpenAiResponses()
NAMED = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}


def chat(**fields: Any) -> dict[str, Any]:
    return {"messages": MESSAGES, **fields}


def grammar(**fields: Any) -> dict[str, Any]:
    return {"inputs": "x", "parameters": {"grammar": fields}}


def rejection(api_format: ApiFormat, body: dict[str, Any]) -> Problem:
    with pytest.raises(RequestRejected) as caught:
        api_format.parse(json.dumps(body).encode())
    return caught.value.problem


@pytest.mark.parametrize(
    ("api_format", "body", "expected", "name"),
    [
        (CHAT, chat(response_format=NAMED), AS_SCHEMA, "response_format"),
        (
            CHAT,
            chat(response_format={"type": "json_object"}),
            pb.StructuredOutput(json_object=True),
            "response_format",
        ),
        (
            CHAT,
            chat(response_format={"type": "json_object", "value": SCHEMA}),
            AS_SCHEMA,
            "response_format",
        ),
        (CHAT, chat(guided_json=SCHEMA), AS_SCHEMA, "guided_json"),
        (
            CHAT,
            chat(guided_json=json.dumps(SCHEMA, separators=(",", ":"))),
            AS_SCHEMA,
            "guided_json",
        ),
        (
            TEXT,
            {"prompt": "x", "guided_regex": "a+"},
            pb.StructuredOutput(regex="a+"),
            "guided_regex",
        ),
        (
            CHAT,
            chat(guided_choice=["a", "b"]),
            pb.StructuredOutput(choice=pb.Texts(texts=["a", "b"])),
            "guided_choice",
        ),
        (
            CHAT,
            chat(guided_grammar='root ::= "a"'),
            pb.StructuredOutput(grammar='root ::= "a"'),
            "guided_grammar",
        ),
        (
            CHAT,
            chat(structured_outputs={"json": SCHEMA}),
            AS_SCHEMA,
            "structured_outputs.json",
        ),
        (
            CHAT,
            chat(structured_outputs={"json_object": True}),
            pb.StructuredOutput(json_object=True),
            "structured_outputs.json_object",
        ),
        (TGI, grammar(type="json", value=SCHEMA), AS_SCHEMA, "parameters.grammar"),
        (
            TGI,
            grammar(type="regex", value="a+"),
            pb.StructuredOutput(regex="a+"),
            "parameters.grammar",
        ),
        (
            TGI,
            grammar(type="json_schema", value={"name": "n", "schema": SCHEMA}),
            AS_SCHEMA,
            "parameters.grammar",
        ),
        (
            RESPONSES,
            {
                "input": "x",
                "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
            },
            AS_SCHEMA,
            "text.format",
        ),
        (
            RESPONSES,
            {"input": "x", "text": {"format": {"type": "json_object"}}},
            pb.StructuredOutput(json_object=True),
            "text.format",
        ),
    ],
    ids=lambda value: "" if isinstance(value, pb.StructuredOutput) else str(value)[:60],
)
def test_structure(
    generation: GenerationContext,
    api_format: ApiFormat,
    body: dict[str, Any],
    expected: pb.StructuredOutput,
    name: str,
) -> None:
    parsed = api_format.parse(json.dumps(body).encode())
    (request,) = parsed.requests(generation)
    assert request.structured_output == expected
    assert parsed.sent_name("structured_output.json_schema") == name


@pytest.mark.parametrize(
    ("api_format", "body"),
    [
        (CHAT, chat(response_format={"type": "text"})),
        (CHAT, chat(response_format=None, structured_outputs=None)),
        (TGI, {"inputs": "x", "parameters": {"grammar": None}}),
        (RESPONSES, {"input": "x", "text": {"format": {"type": "text"}}}),
    ],
    ids=str,
)
def test_any_text(generation: GenerationContext, api_format: ApiFormat, body: Any) -> None:
    (request,) = api_format.parse(json.dumps(body).encode()).requests(generation)
    assert not request.HasField("structured_output")


@pytest.mark.parametrize(
    ("api_format", "body", "param"),
    [
        (CHAT, chat(response_format={"type": "xml"}), "response_format"),
        (CHAT, chat(response_format={"type": "json_schema"}), "response_format.json_schema"),
        (
            CHAT,
            chat(response_format={"type": "json_schema", "json_schema": {"name": "n"}}),
            "response_format.json_schema.schema",
        ),
        (CHAT, chat(guided_json="{"), "guided_json"),
        (CHAT, chat(guided_regex="a", guided_choice=["b"]), "guided_choice"),
        (
            CHAT,
            chat(response_format=NAMED, structured_outputs={"regex": "a"}),
            "structured_outputs.regex",
        ),
        (TGI, grammar(type="xml", value=""), "parameters.grammar"),
        (TGI, grammar(type="regex", value={}), "parameters.grammar.value"),
        (
            RESPONSES,
            {"input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}},
            "text.format.schema",
        ),
    ],
    ids=lambda value: str(value)[-70:],
)
def test_what_says_nothing_clear_is_rejected_by_name(
    api_format: ApiFormat, body: dict[str, Any], param: str
) -> None:
    problem = rejection(api_format, body)
    assert problem.param == param
    assert param in problem.message
