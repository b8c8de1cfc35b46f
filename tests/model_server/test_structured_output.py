"""Answers that have to match something, on the real engine, through the contract. The model has
random weights: that an answer matches shows that it cannot do anything else."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito_grpc.field_violations import from_error
from tests.model_server.conftest import (
    Running,
    Setup,
    generate_request,
    running,
    transformers_engine,
)

SHIP = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 8},
        "masts": {"type": "integer", "minimum": 1, "maximum": 5},
        "cargo": {"type": "array", "items": {"enum": ["rum", "gold"]}, "maxItems": 2},
    },
    "required": ["name", "masts", "cargo"],
    "additionalProperties": False,
}


@pytest.fixture
async def server(model_folder: Path, adapters_folder: Path) -> AsyncIterator[Running]:
    engine = transformers_engine(model_folder)
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        yield started


def request(
    seed: int = 1, model: str = "", options: Any = None, **output: Any
) -> pb.GenerateRequest:
    given = {"max_new_tokens": 200, "do_sample": True, "seed": seed, **(options or {})}
    message = generate_request(model=model, **given)
    message.structured_output.CopyFrom(pb.StructuredOutput(**output))
    return message


async def texts(server: Running, message: pb.GenerateRequest) -> list[str]:
    answer = await server.stub.Generate(message)
    assert {each.finish_reason for each in answer.choices} == {pb.FINISH_REASON_STOP}
    return [each.text for each in answer.choices]


def check_ship(text: str) -> None:
    ship = json.loads(text)
    assert list(ship) == ["name", "masts", "cargo"]
    assert len(ship["name"]) <= 8
    assert 1 <= ship["masts"] <= 5
    assert set(ship["cargo"]) <= {"rum", "gold"}
    assert len(ship["cargo"]) <= 2


@pytest.mark.parametrize(
    "options",
    [
        {"do_sample": False},
        {"temperature": 5.0},
        {"top_k": 1},
        {"typical_p": 0.3, "temperature": 2.0},
        {"repetition_penalty": 3.0},
        {"min_new_tokens": 150},
    ],
    ids="greedy hot top_k typical penalty minimum".split(),
)
async def test_json_satisfies_the_schema(server: Running, options: dict[str, Any]) -> None:
    for seed in range(3):
        message = request(seed, options=options, json_schema=json.dumps(SHIP))
        [text] = await texts(server, message)
        check_ship(text)


async def test_each_sequence_of_the_batch_has_its_own_constraint(server: Running) -> None:
    plain = (await server.stub.Generate(generate_request())).choices[0].text
    ships = request(options={"num_return_sequences": 4}, json_schema=json.dumps(SHIP))
    results = await asyncio.gather(
        texts(server, ships),
        texts(server, request(model="pirate", regex="[a-c]{3}-[0-9]{2}")),
        texts(server, request(model="poet", choice=pb.Texts(texts=["aye", "nay, 東京"]))),
        texts(server, request(grammar='root ::= "<" [0-9]{2,4} ">" | "none"')),
        server.stub.Generate(generate_request()),
    )
    assert len(results[0]) == 4
    for text in results[0]:
        check_ship(text)
    assert re.fullmatch("[a-c]{3}-[0-9]{2}", results[1][0])
    assert results[2][0] in ("aye", "nay, 東京")
    assert re.fullmatch("<[0-9]{2,4}>|none", results[3][0])
    # What is not constrained is what it would be alone.
    assert results[4].choices[0].text == plain


@pytest.mark.parametrize(
    "regex", [r"^[ab]{3}$", r"[ab]{3}", r"(ab|ba)\$", r"[a-z]+@[a-z]{2,9}\.(com|org)"]
)
async def test_the_whole_answer_matches_a_regular_expression(server: Running, regex: str) -> None:
    [text] = await texts(server, request(regex=regex, options={"temperature": 3.0}))
    assert re.fullmatch(regex, text)


async def test_a_grammar_may_be_in_lark(server: Running) -> None:
    lark = 'start: "<" NUMBER ("," NUMBER)~1..2 ">"\nNUMBER: /[0-9]{2}/'
    [text] = await texts(server, request(grammar=lark))
    assert re.fullmatch("<[0-9]{2}(,[0-9]{2}){1,2}>", text)


async def test_json_object_is_an_object_or_ends_by_length(server: Running) -> None:
    answer = await server.stub.Generate(request(json_object=True))
    assert answer.choices[0].text.startswith("{")
    if answer.choices[0].finish_reason == pb.FINISH_REASON_STOP:
        assert isinstance(json.loads(answer.choices[0].text), dict)


async def test_tokens_that_run_out_end_the_answer_by_length(server: Running) -> None:
    message = request(json_schema=json.dumps(SHIP), options={"max_new_tokens": 5})
    answer = await server.stub.Generate(message)
    assert answer.choices[0].finish_reason == pb.FINISH_REASON_LENGTH


async def test_a_stop_string_still_ends_the_answer(server: Running) -> None:
    message = request(json_schema=json.dumps(SHIP), options={"stop": ['"masts"']})
    [text] = await texts(server, message)
    assert text.startswith("{")
    assert "masts" not in text


@pytest.mark.parametrize(
    ("message", "field", "problem"),
    [
        (
            request(json_schema='{"type": "array", "uniqueItems": true}'),
            "structured_output.json_schema",
            "uniqueItems",
        ),
        (
            request(json_schema='{"x-guidance": {"lenient": true}, "uniqueItems": true}'),
            "structured_output.json_schema",
            "uniqueItems",
        ),
        (
            request(json_schema='{"$ref": "https://example.com/ship.json"}'),
            "structured_output.json_schema",
            "example.com",
        ),
        (
            request(json_schema='{"type": "integer", "minimum": 5, "maximum": 3}'),
            "structured_output.json_schema",
            "minimum (5) is greater than maximum (3)",
        ),
        (
            request(json_schema='{"items": [{"type": "integer", "multipleOf": 999983}]}'),
            "structured_output.json_schema",
            "multipleOf",
        ),
        (request(json_schema="{"), "structured_output.json_schema", "not JSON"),
        (request(json_schema="7"), "structured_output.json_schema", "not a JSON Schema"),
        (
            request(json_schema='{"not":' * 900 + "{}" + "}" * 900),
            "structured_output.json_schema",
            "100 levels deep",
        ),
        (
            request(json_schema="[" * 50_000),
            "structured_output.json_schema",
            "not JSON",
        ),
        (
            request(json_schema=json.dumps({"enum": ["x" * 100_000]})),
            "structured_output.json_schema",
            "at most 65536 bytes",
        ),
        (request(regex="(?=a)"), "structured_output.regex", "look-around"),
        (request(regex="(" * 40_000), "structured_output.regex", "cannot be honored"),
        (request(regex="((a{1000}){1000}){1000}"), "structured_output.regex", "too many"),
        (request(grammar="a b c"), "structured_output.grammar", "GBNF"),
        (request(grammar="root ::= rope"), "structured_output.grammar", "rope"),
        (
            request(json_schema="{}", options={"num_beams": 2}),
            "options.num_beams",
            "set it to 1",
        ),
    ],
)
async def test_what_cannot_be_honored_is_named(
    server: Running, message: pb.GenerateRequest, field: str, problem: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await server.stub.Generate(message)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    violation = from_error(error.value)
    assert violation
    assert violation.field == field
    assert problem in str(error.value.details())
    # The server still answers.
    assert await texts(server, request(choice=pb.Texts(texts=["aye"]))) == ["aye"]
