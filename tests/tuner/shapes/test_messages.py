"""Conversations: what of them the model learns, and what is wrong with those it cannot learn."""

import datetime
import json
from typing import Any

import pytest

from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER, record_of, rows, shape_of
from tuner.rows.record import Conversation
from tuner.rows.row import LossCause, RowFault

PLAIN = Conversation((USER, ASSISTANT))
BRIEF = Conversation((SYSTEM, USER, ASSISTANT))
ARGUMENTS = {"city": "Rome"}
CALL = {"type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
CALLED = Conversation((USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}))
TOOL = {"type": "function", "function": {"name": "weather"}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL_WITH_SCHEMA = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}


def _human(text: Any) -> dict[str, Any]:
    return {"from": "human", "value": text}


def _gpt(text: Any) -> dict[str, Any]:
    return {"from": "gpt", "value": text}


def _calls(calls: Any, **message: Any) -> list[dict[str, Any]]:
    return [USER, {"role": "assistant", "content": None, "tool_calls": calls, **message}]


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
        ({"conversations": [_human("Hi"), _gpt("Hello")]}, PLAIN),
        ({"conversations": [{"from": "user", "value": "Hi"}, _gpt("Hello")]}, PLAIN),
        ({"conversations": [_human("Hi"), {"from": "chatgpt", "value": "Hello"}]}, PLAIN),
        ({"conversations": [_human("Hi"), {"from": "bing", "value": "Hello"}]}, PLAIN),
        ({"conversations": [_human("Hi"), {"from": "model", "value": "Hello"}]}, PLAIN),
        ({"conversations": [_gpt("An earlier answer"), _human("Hi"), _gpt("Hello")]}, PLAIN),
        ({"conversations": [_human("Hi"), _gpt("Hello")], "system": "Be brief."}, BRIEF),
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


@pytest.mark.parametrize(
    "messages",
    [
        _calls([CALL]),
        _calls([{"function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]),
        _calls([{"name": "weather", "arguments": ARGUMENTS}]),
        _calls([{"name": "weather", "parameters": ARGUMENTS}]),
        _calls('[{"name": "weather", "arguments": {"city": "Rome"}}]'),
        _calls([{"name": "weather", "arguments": {"city": "Rome", "days": None}}]),
        _calls([CALL], content=""),
        [USER, {"role": "assistant", "function_call": CALL["function"]}],
        _calls(None, function_call={"name": "weather", "arguments": '{"city": "Rome"}'}),
        [_human("Hi"), {"from": "function_call", "value": json.dumps(CALL["function"])}],
        [_human("Hi"), {"from": "tool_call", "value": json.dumps([CALL["function"]])}],
        [
            USER,
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "name": "weather", "input": ARGUMENTS}],
            },
        ],
    ],
    ids=lambda value: str(value[-1])[:70],
)
def test_forms_of_a_tool_call(messages: list[dict[str, Any]]) -> None:
    assert record_of({"messages": messages}) == CALLED


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"role": "tool", "content": "14 °C"}, {"content": "14 °C"}),
        ({"role": "tool", "content": ""}, {"content": ""}),
        ({"role": "tool", "content": None}, {"content": ""}),
        ({"role": "tool", "content": {"c": "14 °"}}, {"content": '{"c": "14 °"}'}),
        ({"role": "tool", "content": [{"c": 14}]}, {"content": '[{"c": 14}]'}),
        ({"role": "tool", "content": [{"type": "text", "text": "14"}]}, {"content": "14"}),
        (
            {"role": "tool", "content": "14", "tool_call_id": "x", "name": "weather"},
            {"content": "14", "tool_call_id": "x", "name": "weather"},
        ),
        (
            {"role": "function", "name": "weather", "content": "14"},
            {"content": "14", "name": "weather"},
        ),
        ({"role": "ipython", "content": "14"}, {"content": "14"}),
        ({"from": "observation", "value": "14"}, {"content": "14"}),
        ({"from": "function_response", "value": "14"}, {"content": "14"}),
        (
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "x", "content": "14"}],
            },
            {"content": "14", "tool_call_id": "x"},
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_forms_of_a_tool_result(message: dict[str, Any], expected: dict[str, Any]) -> None:
    record = record_of({"messages": [*_calls([CALL]), message, ASSISTANT]})
    assert isinstance(record, Conversation)
    assert record.messages[2] == {"role": "tool", **expected}
    assert record.messages[3] == ASSISTANT


@pytest.mark.parametrize(
    ("column", "tools", "expected"),
    [
        ("tools", [TOOL], (TOOL,)),
        ("tools", json.dumps([TOOL]), (TOOL,)),
        ("tools", [json.dumps(TOOL)], (TOOL,)),
        ("tools", [{"name": "weather"}], (TOOL,)),
        ("tools", {"name": "weather"}, (TOOL,)),
        ("tools", [{"name": "weather", "parameters": SCHEMA}], (TOOL_WITH_SCHEMA,)),
        ("tools", [{"name": "weather", "parameters": json.dumps(SCHEMA)}], (TOOL_WITH_SCHEMA,)),
        ("tools", [{"name": "weather", "input_schema": SCHEMA}], (TOOL_WITH_SCHEMA,)),
        (
            "tools",
            [{"name": "weather", "parameters": {"city": {"type": "str"}}}],
            (TOOL_WITH_SCHEMA,),
        ),
        ("tools", [{"name": "weather", "parameters": None}], (TOOL,)),
        ("functions", [{"name": "weather"}], (TOOL,)),
        ("functions", "def f(): pass", ()),
        ("tools", None, ()),
        ("tools", "", ()),
        ("tools", "[]", ()),
        ("tools", "null", ()),
    ],
    ids=lambda value: str(value)[:60],
)
def test_forms_of_tools(column: str, tools: Any, expected: tuple[Any, ...]) -> None:
    record = record_of({"messages": [USER, ASSISTANT], column: tools})
    assert isinstance(record, Conversation)
    assert record.tools == expected


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
    ("row", "cause", "detail"),
    [
        (
            {"messages": None},
            LossCause.EMPTY,
            "column messages is null; it must be a list of {role, content}",
        ),
        ({"messages": []}, LossCause.EMPTY, "column messages is []"),
        ({"messages": " "}, LossCause.EMPTY, "column messages is ' '"),
        ({}, LossCause.EMPTY, "column messages is null"),
        (
            {"messages": "hello"},
            LossCause.MALFORMED,
            "column messages is 'hello'; it must be a list of {role, content}, or JSON text of one",
        ),
        ({"messages": '[{"role": "us'}, LossCause.MALFORMED, "or JSON text of one (Unterminated"),
        ({"messages": 3}, LossCause.MALFORMED, "is 3; it must be a list of {role, content}"),
        ({"messages": ["Hi"]}, LossCause.MALFORMED, "messages[0] is 'Hi'; it must be {role, c"),
        ({"messages": [None]}, LossCause.MALFORMED, "messages[0] is null"),
        ({"messages": [USER]}, LossCause.NO_ANSWER, "has no message of role assistant"),
        (
            {"messages": [USER, {**ASSISTANT, "weight": 0}]},
            LossCause.NO_ANSWER,
            "has no message of role assistant that is to be learned",
        ),
        ({"messages": [ASSISTANT]}, LossCause.NO_ANSWER, "that is to be learned"),
        (
            {"messages": [USER, {"role": "assistant", "content": None}]},
            LossCause.EMPTY,
            "column messages[1].content is null; it must hold text or call a tool",
        ),
        (
            {"messages": [USER, {"role": "assistant", "content": "", "tool_calls": []}]},
            LossCause.EMPTY,
            "column messages[1].content is ''",
        ),
        (
            {"messages": [{"role": "user", "content": "\n"}, ASSISTANT]},
            LossCause.EMPTY,
            "messages[0].content is '\\n'",
        ),
        (
            {"messages": [{"role": "user"}, ASSISTANT]},
            LossCause.EMPTY,
            "messages[0].content is null",
        ),
        (
            {"messages": [{"role": "user", "content": {"a": 1}}, ASSISTANT]},
            LossCause.MALFORMED,
            "messages[0].content is {'a': 1}; it must be text",
        ),
        (
            {"messages": [{"role": "narrator", "content": "x"}, ASSISTANT]},
            LossCause.MALFORMED,
            "messages[0].role is 'narrator'; use one of: system, developer, user, human,",
        ),
        (
            {"messages": [USER, {"role": "assistent", "content": "x"}]},
            LossCause.MALFORMED,
            "messages[1].role is 'assistent'; did you mean 'assistant'? Use one of: system, dev",
        ),
        (
            {"messages": [{"content": "x"}]},
            LossCause.MALFORMED,
            "messages[0].role is null; use one",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ASSISTANT]},
            LossCause.MALFORMED,
            "messages[0].content[0] is {'type': 'image_url'}; only text can be trained on",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}, ASSISTANT]},
            LossCause.MALFORMED,
            "only text can be trained on: remove images, audio and files",
        ),
        (
            {"messages": [USER, {**ASSISTANT, "weight": 0.5}]},
            LossCause.MALFORMED,
            "messages[1].weight is 0.5; use 1 to train on the message, or 0 not to",
        ),
        (
            {"messages": _calls([{"function": {"name": "f", "arguments": '{"a'}}])},
            LossCause.MALFORMED,
            "messages[1].tool_calls[0].arguments is '{\"a'; it must be JSON",
        ),
        (
            {"messages": _calls([{"function": {"name": "f", "arguments": "[1]"}}])},
            LossCause.MALFORMED,
            "arguments is '[1]'; it must be a JSON object",
        ),
        ({"messages": _calls([{"id": 1}])}, LossCause.MALFORMED, "messages[1].tool_calls[0] is"),
        ({"messages": _calls("f()")}, LossCause.MALFORMED, "messages[1].tool_calls is 'f()'"),
        ({"messages": _calls(3)}, LossCause.MALFORMED, "tool_calls is 3; it must be a list"),
        (
            {"messages": [USER, ASSISTANT], "tools": [{"description": "x"}]},
            LossCause.MALFORMED,
            "column tools[0] is {'description': 'x'}; it must be {\"type\": \"function\"",
        ),
        (
            {"messages": [USER, ASSISTANT], "tools": [{"name": "f", "parameters": ["a"]}]},
            LossCause.MALFORMED,
            "column tools[0].parameters is ['a']; it must be a JSON schema",
        ),
        (
            {"messages": [USER, {"role": "assistant", "content": "\ud83d"}]},
            LossCause.MALFORMED,
            "column messages or system or tools holds '\\ud83d', which is half of a character",
        ),
        ({"messages": [USER, ASSISTANT], "system": 5j}, LossCause.MALFORMED, "column system is 5j"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_every_row_is_checked(row: dict[str, Any], cause: LossCause, detail: str) -> None:
    first = {"messages": [USER, ASSISTANT], "tools": None, "system": None}
    shape = shape_of(first)
    with pytest.raises(RowFault) as caught:
        shape.to_record(rows(row)[0])
    assert caught.value.cause is cause
    assert detail in caught.value.detail


def test_long_values_are_shortened() -> None:
    shape = shape_of({"messages": [USER, ASSISTANT]})
    with pytest.raises(RowFault) as caught:
        shape.to_record(rows({"messages": "x" * 10_000})[0])
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize(
    ("row", "config", "expected"),
    [
        ({"messages": [USER, ASSISTANT]}, {"system_prompt": "Be brief."}, BRIEF),
        ({"messages": [SYSTEM, USER, ASSISTANT]}, {"system_prompt": "x"}, BRIEF),
        ({"messages": [USER, ASSISTANT], "system": "Be brief."}, {"system_prompt": "x"}, BRIEF),
        ({"messages": [USER, ASSISTANT]}, {"system_prompt": " "}, PLAIN),
        ({"a": [USER, ASSISTANT], "b": [USER, USER]}, {"messages_column": "a"}, PLAIN),
        ({"a": [_human("Hi"), _gpt("Hello")]}, {"messages_column": "A "}, PLAIN),
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
