"""Chunks of an OpenAI answer become deltas; whatever breaks the API is an error."""

from math import inf
from typing import Any

import pytest

from model_server.engine import Delta, FinishReason, ToolCallDelta, Usage
from model_server.errors import GenerationFailed, InvalidRequest, Overloaded
from model_server.openai_server.answer_parsing import AnswerParser

_USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}


def _chat(index: int = 0, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def _parse(*chunks: dict[str, Any], choices: int = 1) -> list[Delta]:
    parser = AnswerParser(choices)
    return [*(delta for chunk in chunks for delta in parser.parse(chunk)), parser.end()]


def test_the_last_delta_has_the_end_and_the_usage() -> None:
    assert _parse(
        _chat(role="assistant", content=""), _chat(content="Hi"), _chat(reason="stop"), _USAGE
    ) == [
        # A chunk with nothing but a role is no delta.
        Delta(index=0, text="Hi", token_count=1),
        Delta(
            index=0,
            text="",
            token_count=4,
            finish_reason=FinishReason.STOP,
            usage=Usage(prompt_tokens=3, completion_tokens=5),
        ),
    ]


def test_a_completion_has_its_text_in_the_choice() -> None:
    chunk = {"choices": [{"index": 0, "text": "Hi", "finish_reason": "length"}]}
    last = _parse(chunk, _USAGE)[-1]
    assert (last.text, last.finish_reason) == ("Hi", FinishReason.LENGTH)


def test_each_choice_ends_by_itself() -> None:
    deltas = _parse(_chat(1, "stop", content="b"), _chat(0, "stop", content="a"), _USAGE, choices=2)
    assert [(delta.index, delta.usage is None) for delta in deltas] == [(1, True), (0, False)]


def test_calls_and_reasoning_are_parts_of_their_own() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "now", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"zone'}}
    deltas = _parse(
        _chat(reasoning_content="Hm."),
        _chat(tool_calls=[call]),
        _chat(tool_calls=[more]),
        _chat(reason="tool_calls"),
        _USAGE,
    )
    assert deltas[0].reasoning == "Hm."
    assert deltas[1].tool_calls == (ToolCallDelta(0, "c1", "now", ""),)
    assert deltas[2].tool_calls == (ToolCallDelta(0, "", "", '{"zone'),)
    assert deltas[-1].finish_reason is FinishReason.TOOL_CALLS


def test_details_of_the_usage_are_kept() -> None:
    usage = _USAGE["usage"] | {  # type: ignore[operator]
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    last = _parse(_chat(reason="stop", content="a"), {"usage": usage})[-1]
    assert last.usage == Usage(
        prompt_tokens=3, completion_tokens=5, cached_tokens=2, reasoning_tokens=1
    )


@pytest.mark.parametrize(
    ("chunks", "says"),
    [
        ([], "ended in the middle"),
        ([_chat(content="Hi"), _USAGE], "ended in the middle"),
        ([_chat(reason="stop")], "without the number of tokens"),
        ([_chat(reason="bored"), _USAGE], "ended the answer with 'bored'"),
        ([_chat(reason="stop"), _chat(content="more"), _USAGE], "choice 0, which has ended"),
        ([_chat(7, content="x")], "choice 7"),
        ([{"error": {"message": "CUDA out of memory"}}], "CUDA out of memory"),
        ([{"error": "boom"}], "boom"),
        ([{"choices": [{"delta": {}}]}], "does not follow the OpenAI API"),
        ([{"choices": ["x"]}], "does not follow the OpenAI API"),
        ([["x"]], "does not follow the OpenAI API"),
        ([_chat(reason="stop"), {"usage": {"prompt_tokens": 1}}], "does not follow"),
        (
            [_chat(reason="stop"), {"usage": {"prompt_tokens": 1, "completion_tokens": inf}}],
            "does not follow",
        ),
    ],
)
def test_a_broken_answer_is_never_a_normal_end(chunks: list[Any], says: str) -> None:
    with pytest.raises(GenerationFailed, match=says):
        _parse(*chunks)


_REFUSAL = {"error": {"message": "no such grammar", "param": None, "code": 400}}


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (_REFUSAL, InvalidRequest, "structured_output = '...': .* no such grammar"),
        (
            {"error": {"message": "no", "param": "seed", "code": 400}},
            InvalidRequest,
            "options.seed",
        ),
        ({"error": {"message": "wait", "code": 429}}, Overloaded, "the engine is full: wait"),
        ({"error": {"message": "dead", "code": 500}}, GenerationFailed, "gave up .*: dead"),
    ],
    ids="unnamed named full dead".split(),
)
def test_a_refusal_in_place_of_an_answer_is_what_its_code_says(
    error: dict[str, Any], kind: type[Exception], says: str
) -> None:
    parser = AnswerParser(1, field="structured_output")
    with pytest.raises(kind, match=says):
        list(parser.parse(error))


def test_a_refusal_in_the_middle_of_an_answer_is_its_end() -> None:
    with pytest.raises(GenerationFailed, match=r"gave up the answer: .* no such grammar"):
        _parse(_chat(content="Hi"), _REFUSAL)
