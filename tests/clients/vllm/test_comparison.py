"""Two answers are compared whole, but for what names one of them."""

from typing import Any

import pytest

from tests.clients.vllm.comparison import differences, merged, merged_events
from tests.clients.vllm.summary import is_error, summary

ANSWER = {"id": "chatcmpl-1a", "created": 1, "choices": [{"text": "a", "logprob": -0.5}]}


@pytest.mark.parametrize(
    "other",
    [
        {**ANSWER, "id": "chatcmpl-2b", "created": 2},
        {**ANSWER, "choices": [{"text": "a", "logprob": -0.50001}]},
    ],
    ids=["its own name", "the last digits of a number"],
)
def test_equal_answers(other: Any) -> None:
    assert differences(ANSWER, other) == []


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({**ANSWER, "choices": [{"text": "b", "logprob": -0.5}]}, "choices[0].text: 'a', 'b'"),
        ({**ANSWER, "choices": [{"text": "a", "logprob": -0.6}]}, "choices[0].logprob: -0.5, -0.6"),
        ({**ANSWER, "usage": None}, "usage: only straight at vLLM"),
        ({"id": "chatcmpl-1", "choices": ANSWER["choices"]}, "created: only through the gateway"),
        ({**ANSWER, "choices": []}, "choices: [{'text': 'a', 'logprob': -0.5}], []"),
        ({**ANSWER, "id": "tiny"}, "id: 'chatcmpl-1a', 'tiny'"),
    ],
)
def test_a_difference_is_named_with_its_place(other: Any, difference: str) -> None:
    assert differences(ANSWER, other) == [difference]


@pytest.mark.parametrize("kind", "chatcmpl cmpl resp msg pooling score embd classify".split())
def test_a_name_that_a_server_made_up_is_not_compared(kind: str) -> None:
    assert differences({"id": f"{kind}-281f6b"}, {"id": f"{kind}-b28400"}) == []


def test_true_is_no_number() -> None:
    assert differences({"a": True}, {"a": False}) == ["a: True, False"]
    assert differences({"a": True}, {"a": 1.0005}) == ["a: True, 1.0005"]


def test_a_stream_is_the_same_however_it_is_cut() -> None:
    def chunk(text: str, **more: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"content": text}, **more}]}

    end = {"choices": [], "usage": {"total_tokens": 3}}
    whole = merged([chunk("ab"), chunk("c", finish_reason="stop"), end])
    cut = merged([chunk("a"), chunk("b"), chunk("c", finish_reason="stop"), end])
    assert differences(whole, cut) == []
    assert whole["choices"][0]["delta"]["content"] == "abc"
    assert differences(merged([chunk("ab")]), merged([chunk("a")])) != []


def test_choices_and_calls_of_a_stream_are_merged_by_their_index() -> None:
    found = merged(
        {"choices": [{"index": index, "text": text}]}
        for index, text in ((1, "x"), (0, "a"), (1, "y"))
    )
    assert [each["text"] for each in found["choices"]] == ["a", "xy"]


def test_events_keep_their_order_and_parts_are_joined() -> None:
    events = [
        {"type": "start", "sequence_number": 0},
        {"type": "delta", "delta": "a", "sequence_number": 1},
        {"type": "delta", "delta": "b", "sequence_number": 2},
        {"type": "end", "sequence_number": 3},
    ]
    joined = [{"type": "start"}, {"type": "delta", "delta": "ab"}, {"type": "end"}]
    assert merged_events(events) == joined


def test_an_error_is_known_by_what_the_client_raised() -> None:
    error = {"raised": "BadRequestError", "status": 400, "body": {"message": "too long"}}
    assert is_error(error) and summary(error) == "400: too long"
    # A response of OpenAI's API has an error and a status, too.
    assert not is_error({"error": None, "status": "completed", "output": []})


def test_a_text_that_cannot_be_shown_is_counted() -> None:
    def answer(text: str) -> dict[str, Any]:
        return {"choices": [{"text": text, "finish_reason": "stop"}]}

    assert summary(answer("gold")) == "'gold' (stop)"
    assert summary(answer("\x0e☂")) == "2 characters (stop)"
