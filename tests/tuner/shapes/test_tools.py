"""Tools, calls and results in every form become what chat templates read."""

import json
from typing import Any

import pytest

from tests.tuner.shapes.conversations import (
    ARGUMENTS,
    CALL,
    CALLED,
    SCHEMA,
    TOOL,
    TOOL_WITH_SCHEMA,
    human,
    with_calls,
)
from tests.tuner.shapes.rows import ASSISTANT, USER, record_of
from tuner.rows.record import Conversation


@pytest.mark.parametrize(
    "messages",
    [
        with_calls([CALL]),
        with_calls([{"function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]),
        with_calls([{"name": "weather", "arguments": ARGUMENTS}]),
        with_calls([{"name": "weather", "parameters": ARGUMENTS}]),
        with_calls('[{"name": "weather", "arguments": {"city": "Rome"}}]'),
        with_calls([{"name": "weather", "arguments": {"city": "Rome", "days": None}}]),
        with_calls([CALL], content=""),
        [USER, {"role": "assistant", "function_call": CALL["function"]}],
        with_calls(None, function_call={"name": "weather", "arguments": '{"city": "Rome"}'}),
        [human("Hi"), {"from": "function_call", "value": json.dumps(CALL["function"])}],
        [human("Hi"), {"from": "tool_call", "value": json.dumps([CALL["function"]])}],
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
    record = record_of({"messages": [*with_calls([CALL]), message, ASSISTANT]})
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
