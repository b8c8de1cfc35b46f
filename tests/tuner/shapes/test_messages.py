"""Conversations in every form become the same messages."""

import datetime
import json
from typing import Any

import pytest

from tests.tuner.shapes.conversations import BRIEF, PLAIN, gpt, human
from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER, record_of, shape_of
from tuner.rows.record import Conversation


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"messages": [USER, ASSISTANT]}, PLAIN),
        ({"messages": (USER, ASSISTANT)}, PLAIN),
        ({"messages": json.dumps([USER, ASSISTANT])}, PLAIN),
        ({"messages": str([USER, ASSISTANT])}, PLAIN),
        ({"messages": [SYSTEM, USER, ASSISTANT]}, BRIEF),
        ({"messages": [{**SYSTEM, "role": "developer"}, USER, ASSISTANT]}, BRIEF),
        ({"messages": [{**SYSTEM, "content": " "}, USER, ASSISTANT]}, PLAIN),
        ({"messages": [{"role": "system", "content": None}, USER, ASSISTANT]}, PLAIN),
        ({"messages": [USER, ASSISTANT], "system": "Be brief."}, BRIEF),
        ({"messages": [USER, ASSISTANT], "system": None}, PLAIN),
        ({"messages": [USER, ASSISTANT], "system": [{"text": "Be brief."}]}, BRIEF),
        ({"messages": [SYSTEM, USER, ASSISTANT], "system": "Be long."}, BRIEF),
        ({"messages": [{**USER, "role": " User"}, {**ASSISTANT, "role": "ASSISTANT"}]}, PLAIN),
        ({"messages": [USER, {**ASSISTANT, "role": "GPT-4"}]}, PLAIN),
        ({"messages": [{**USER, "name": None}, {**ASSISTANT, "tool_calls": None}]}, PLAIN),
        ({"messages": [{**USER, "role": "human"}, {**ASSISTANT, "role": "gpt"}]}, PLAIN),
        ({"conversations": [human("Hi"), gpt("Hello")]}, PLAIN),
        ({"conversations": [{"from": "user", "value": "Hi"}, gpt("Hello")]}, PLAIN),
        ({"conversations": [human("Hi"), {"from": "chatgpt", "value": "Hello"}]}, PLAIN),
        ({"conversations": [human("Hi"), {"from": "bing", "value": "Hello"}]}, PLAIN),
        ({"conversations": [human("Hi"), {"from": "model", "value": "Hello"}]}, PLAIN),
        ({"conversations": [gpt("An earlier answer"), human("Hi"), gpt("Hello")]}, PLAIN),
        ({"conversations": [human("Hi"), gpt("Hello")], "system": "Be brief."}, BRIEF),
        ({"conversation": [{"input": "Hi", "output": "Hello"}]}, PLAIN),
        ({"conversation": [{"system": "Be brief.", "input": "Hi", "output": "Hello"}]}, BRIEF),
        ({"dialog": [{"user": "Hi", "assistant": "Hello"}]}, PLAIN),
        ({"turns": [{"question": "Hi", "answer": "Hello"}]}, PLAIN),
        ({"chat": [{"speaker": "user", "text": "Hi"}, {"speaker": "bot", "text": "Hello"}]}, PLAIN),
        (
            {
                "systemInstruction": {"role": "", "parts": [{"text": "Be brief."}]},
                "contents": [
                    {"role": "user", "parts": [{"text": "Hi"}]},
                    {"role": "model", "parts": [{"text": "Hello"}]},
                ],
            },
            BRIEF,
        ),
        ({"thread": [USER, ASSISTANT], "id": 7}, PLAIN),
    ],
    ids=lambda value: str(value)[:70],
)
def test_forms_of_a_conversation(row: dict[str, Any], expected: Conversation) -> None:
    assert record_of(row) == expected


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "text", "text": "a", "image_url": None}], "a"),
        ([{"type": "input_text", "text": "a"}], "a"),
        ([{"text": "a"}], "a"),
        (["a", "b"], "a\nb"),
        (4, "4"),
        (4.5, "4.5"),
        (True, "true"),
        (False, "false"),
        (b"a", "a"),
        ("<|im_end|> as text", "<|im_end|> as text"),
        ("  a \n", "  a \n"),
    ],
)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_content_becomes_text(role: str, content: Any, text: str) -> None:
    other = ASSISTANT if role == "user" else USER
    record = record_of({"messages": [other, {"role": role, "content": content}, ASSISTANT]})
    assert isinstance(record, Conversation)
    assert record.messages[1] == {"role": role, "content": text}


def test_fields_that_a_template_may_know_are_kept() -> None:
    answer = {**ASSISTANT, "reasoning_content": "They greet me.", "thinking": "Hm."}
    assert record_of({"messages": [USER, answer]}) == Conversation((USER, answer))


def test_fields_are_what_json_can_hold() -> None:
    time = datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.UTC)
    row = {"messages": [{**USER, "timestamp": time, "toxic": False, "hash": None}, ASSISTANT]}
    question = {**USER, "timestamp": "2024-01-02 03:04:00+00:00", "toxic": False}
    assert record_of(row) == Conversation((question, ASSISTANT))


def test_thinking_of_a_content_part_is_reasoning() -> None:
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hello"}]
    record = record_of({"messages": [USER, {"role": "assistant", "content": parts}]})
    assert record == Conversation((USER, {**ASSISTANT, "reasoning_content": "Hm."}))


@pytest.mark.parametrize(
    ("messages", "untrained"),
    [
        ([USER, ASSISTANT, USER, ASSISTANT], set()),
        ([USER, {**ASSISTANT, "weight": 0}, USER, ASSISTANT], {1}),
        ([USER, {**ASSISTANT, "weight": 0}, USER, {**ASSISTANT, "weight": 1}], {1}),
        ([USER, {**ASSISTANT, "weight": 0.0}, USER, {**ASSISTANT, "weight": 1.0}], {1}),
        ([USER, {**ASSISTANT, "train": False}, USER, {**ASSISTANT, "train": True}], {1}),
        ([{**USER, "weight": 0}, ASSISTANT], set()),
        ([USER, {**ASSISTANT, "weight": float("nan")}], set()),
        ([ASSISTANT, USER, ASSISTANT], {0}),
        ([SYSTEM, ASSISTANT, USER, ASSISTANT], set()),
    ],
    ids=lambda value: str(value)[:60],
)
def test_messages_that_are_context_only(
    messages: list[dict[str, Any]], untrained: set[int]
) -> None:
    record = record_of({"messages": messages})
    assert isinstance(record, Conversation)
    assert record.untrained == untrained
    assert [message["role"] for message in record.messages] == [m["role"] for m in messages]


@pytest.mark.parametrize(
    ("row", "config", "expected"),
    [
        ({"messages": [USER, ASSISTANT]}, {"system_prompt": "Be brief."}, BRIEF),
        ({"messages": [SYSTEM, USER, ASSISTANT]}, {"system_prompt": "x"}, BRIEF),
        ({"messages": [USER, ASSISTANT], "system": "Be brief."}, {"system_prompt": "x"}, BRIEF),
        ({"messages": [USER, ASSISTANT]}, {"system_prompt": " "}, PLAIN),
        ({"a": [USER, ASSISTANT], "b": [USER, USER]}, {"messages_column": "a"}, PLAIN),
        ({"a": [human("Hi"), gpt("Hello")]}, {"messages_column": "A "}, PLAIN),
    ],
    ids=lambda value: str(value)[:60],
)
def test_configuration(row: dict[str, Any], config: dict[str, Any], expected: Conversation) -> None:
    assert record_of(row, **config) == expected


@pytest.mark.parametrize("values", [["many"], [3], [None]], ids=str)
def test_column_of_another_kind_called_messages_does_not_hide_the_text(values: list[Any]) -> None:
    assert shape_of({"messages": values[0], "text": "a"}).name == "text"


def test_only_column_messages_is_read_even_if_it_is_broken() -> None:
    assert shape_of({"messages": "hello"}).name == "messages"
