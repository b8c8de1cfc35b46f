"""/chat against the seed's schema: fields, defaults, results, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference_gateway.dialects.dialect import About
from inference_gateway.dialects.seed_chat import SeedChat
from inference_gateway.dialects.seed_schema import ChatRequest, GenerateKwargs
from inference_gateway.errors import Refused
from kaito.inference.v1 import inference_pb2 as pb

GOLDEN = Path(__file__).parent / "golden"
DIALECT = SeedChat()


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def asked(about: About, **fields: Any) -> pb.GenerateRequest:
    (request,) = DIALECT.read(body(**fields)).requests(about)
    return request


def result(about: About, answer: pb.GenerateResponse, **fields: Any) -> Any:
    return json.loads(DIALECT.read(body(**fields)).whole([answer], about))["Result"]


def refused(data: bytes) -> tuple[int, Any]:
    with pytest.raises(Refused) as caught:
        DIALECT.read(data)
    problem = caught.value.problem
    return problem.status, json.loads(DIALECT.refusal(problem))["detail"]


def test_defaults_are_the_seeds() -> None:
    golden = json.loads((GOLDEN / "seed_chat_defaults.json").read_text())
    assert GenerateKwargs.model_validate({}).model_dump() == golden["generate_kwargs"]
    own = ChatRequest.model_validate({}).model_dump()
    assert own.pop("model") is None
    assert own == golden["request"]


def test_generate_kwargs_when_sent_bring_the_seeds_defaults(about: About) -> None:
    options = asked(about, prompt="Hi", generate_kwargs={}).options
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


def test_without_generate_kwargs_the_model_decides(about: About) -> None:
    assert asked(about, prompt="Hi").options == pb.GenerationOptions()


def test_further_keys(about: About) -> None:
    sent = {"max_new_tokens": 5, "min_new_tokens": 2, "seed": 1, "stop_strings": "\n", "foo": 1}
    ask = DIALECT.read(body(prompt="Hi", generate_kwargs=sent | {"num_beam_groups": 2}))
    options = ask.requests(about)[0].options
    assert (options.max_new_tokens, options.min_new_tokens, options.seed) == (5, 2, 1)
    assert not options.HasField("max_length")
    assert list(options.stop) == ["\n"]
    assert ask.ignored == ("num_beam_groups", "foo")


def test_a_prompt_is_one_user_message_under_a_chat_template(about: About) -> None:
    request = asked(about, prompt="Hi", prefix="Say: ")
    assert [(turn.role, turn.content) for turn in request.chat.messages] == [("user", "Say: Hi")]


def test_a_prompt_is_text_without_a_chat_template(about: About) -> None:
    about.model.has_chat_template = False
    assert asked(about, prompt="Hi").prompt == "Hi"


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
    about: About,
    answer: pb.GenerateResponse,
    fields: dict[str, Any],
    template: bool,
    expected: str,
) -> None:
    about.model.has_chat_template = template
    assert result(about, answer, prompt="Sky?", **fields) == expected


def test_result_of_several_sequences_is_all_of_them(
    about: About, answer: pb.GenerateResponse
) -> None:
    answer.choices.add(index=1, text="Grey.")
    assert result(about, answer, prompt="Sky?") == "Sky?\nBlue.Sky?\nGrey."


def test_a_conversation_gives_the_last_message_as_text(
    about: About, answer: pb.GenerateResponse
) -> None:
    turns = [{"role": "user", "content": "Sky?"}]
    assert result(about, answer, messages=turns) == "{'role': 'assistant', 'content': 'Blue.'}"
    assert asked(about, messages=turns).chat.messages[0].content == "Sky?"


@pytest.mark.parametrize("data", [b"{}", b'{"prompt": ""}', b'{"messages": []}'])
def test_nothing_to_go_on_from_is_400(data: bytes) -> None:
    assert refused(data) == (400, "Text generation parameter prompt required")


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
    ids="empty array prompt kwarg further turn trailing-comma utf8 surrogate".split(),
)
def test_wrong_fields_are_422_as_fastapi_says_it(data: bytes, kind: str, loc: list[Any]) -> None:
    status, detail = refused(data)
    assert status == 422
    assert (detail[0]["type"], detail[0]["loc"]) == (kind, loc)
    assert detail[0].keys() >= {"type", "loc", "msg", "input"}
