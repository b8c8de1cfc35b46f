"""Grammars of clients that mean harm, through the contract: they end nothing but themselves."""

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

_CHAIN = "\n".join(f"a{number} ::= a{number + 1}" for number in range(4000))
HOSTILE = {
    # llguidance takes minutes for it.
    "multiple": {"grammar": 'start: %json {"type": "number", "multipleOf": 1234567}'},
    # The recursion of llguidance leaves the stack, which ends its process.
    "chain": {"grammar": f'root ::= a0\n{_CHAIN}\na4000 ::= "x"'},
    "long": {"grammar": "root ::= " + " | ".join(f'"{number}"' for number in range(20_000))},
    "large integer": {"json_schema": '{"type": "integer", "maximum": 1' + "0" * 300 + "}"},
    "half a character": {"json_schema": r'{"const": "\ud800"}'},
}


@pytest.fixture
async def server(model_folder: Path, adapters_folder: Path) -> AsyncIterator[Running]:
    engine = transformers_engine(model_folder)
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        yield started


def _request(**output: Any) -> pb.GenerateRequest:
    request = generate_request(max_new_tokens=8)
    request.structured_output.CopyFrom(pb.StructuredOutput(**output))
    return request


async def test_a_grammar_is_rejected_by_name_and_the_next_one_is_honored(server: Running) -> None:
    for output in HOSTILE.values():
        with pytest.raises(grpc.aio.AioRpcError) as rejected:
            await server.stub.Generate(_request(**output))
        assert rejected.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        violation = from_error(rejected.value)
        assert violation
        assert violation.field.startswith("structured_output.")
    answer = await server.stub.Generate(_request(regex="yes"))
    assert answer.choices[0].text == "yes"


async def test_empty_lines_before_a_grammar_cost_nothing(server: Running) -> None:
    answer = await server.stub.Generate(_request(grammar="\n" * 60_000 + 'root ::= "yes"'))
    assert answer.choices[0].text == "yes"
