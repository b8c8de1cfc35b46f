"""The gRPC fuzzer covers a contract by itself, and knows a wrong answer."""

from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaito.inference.v1 import inference_pb2 as pb
from tests.fuzz.grpc_calls.call import Call
from tests.fuzz.grpc_calls.client import Outcome
from tests.fuzz.grpc_calls.messages import messages_of
from tests.fuzz.grpc_calls.methods import Method, contract_services, methods_of
from tests.fuzz.grpc_calls.verdict import problem
from tests.fuzz.grpc_calls.wire import payloads_of

METHODS = methods_of(sorted(contract_services()))
BY_NAME = {method.name: method for method in METHODS}
GENERATE = BY_NAME["InferenceService.Generate"]
STREAM = BY_NAME["InferenceService.StreamGenerate"]


def types_below(descriptor: Any, known: dict[str, Descriptor]) -> dict[str, Descriptor]:
    """The type and all types of its fields, by name, added to those that are known."""
    if descriptor.full_name not in known:
        known[descriptor.full_name] = descriptor
        for field in descriptor.fields:
            if field.message_type and not field.message_type.GetOptions().map_entry:
                types_below(field.message_type, known)
    return known


TYPES: dict[str, Descriptor] = {}
for each in METHODS:
    types_below(each.request.DESCRIPTOR, TYPES)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_field_of_every_request_is_set_by_some_call(name: str) -> None:
    """So that a field that the contract gains is fuzzed from then on."""
    found: set[str] = set()

    # Messages as they are deep inside others: they keep the test short.
    @settings(
        max_examples=150,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(messages_of(TYPES[name], depth=4))
    def collect(message: Message) -> None:
        found.update(field.name for field, _ in message.ListFields())

    collect()
    assert found == set(TYPES[name].fields_by_name)


def test_some_payloads_are_no_message() -> None:
    broken = []

    @settings(max_examples=200, derandomize=True, database=None)
    @given(payloads_of(st.just(pb.GenerateRequest(prompt="a").SerializeToString())))
    def collect(payload: bytes) -> None:
        broken.append(Call(GENERATE, (payload,)).requests == (None,))

    collect()
    assert 0 < sum(broken) < len(broken)


def call(method: Method = GENERATE, **changes: Any) -> Call:
    request: Any = pb.GenerateRequest(prompt="a")
    if method is STREAM:
        request = pb.StreamGenerateRequest(request=request)
    return Call(method, (request.SerializeToString(),), **changes)


CHOICE = pb.Choice(finish_reason=pb.FINISH_REASON_STOP)
ANSWER = pb.GenerateResponse(choices=[CHOICE])
UNDECODABLE = Call(GENERATE, (b"\xff",))
END = pb.StreamGenerateResponse(finish_reason=pb.FINISH_REASON_LENGTH)


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (call(), Outcome("OK", messages=(ANSWER,))),
        (call(STREAM), Outcome("OK", messages=(pb.StreamGenerateResponse(text="a"), END))),
        (call(), Outcome("INVALID_ARGUMENT", "options.top_p = 2", "options.top_p")),
        (UNDECODABLE, Outcome("INVALID_ARGUMENT", "the bytes are no request")),
        (call(), Outcome("NOT_FOUND", "no such model")),
        (call(deadline_seconds=0.1), Outcome("DEADLINE_EXCEEDED")),
        (call(cancel_seconds=0.0), Outcome("CANCELLED")),
    ],
)
def test_answers_and_refusals_are_no_problem(made: Call, outcome: Outcome) -> None:
    assert problem(made, outcome) == ""


@pytest.mark.parametrize(
    ("made", "outcome", "words"),
    [
        (call(), Outcome("UNKNOWN", "boom"), "UNKNOWN: boom"),
        (call(), Outcome("INTERNAL", "the server failed"), "INTERNAL"),
        (call(), Outcome("UNAVAILABLE", "gone"), "UNAVAILABLE"),
        (call(), Outcome("HUNG"), "HUNG"),
        (call(), Outcome("UNREADABLE", "no message"), "UNREADABLE"),
        (call(), Outcome("CANCELLED"), "for a client that waits"),
        (call(), Outcome("NOT_FOUND"), "without a message"),
        (call(), Outcome("INVALID_ARGUMENT", "wrong"), "names no field"),
        (call(), Outcome("OK", messages=(pb.GenerateResponse(),)), "0 choices"),
        (call(), Outcome("OK", messages=(pb.GenerateResponse(choices=[pb.Choice()]),)), "reason"),
        (call(STREAM), Outcome("OK", messages=()), "0 choices"),
        (call(STREAM), Outcome("OK", messages=(END, END)), "2 choices"),
        (UNDECODABLE, Outcome("OK", messages=(ANSWER,)), "no message"),
    ],
)
def test_what_no_server_may_answer_is_a_problem(made: Call, outcome: Outcome, words: str) -> None:
    assert words in problem(made, outcome)
