"""Conversations that cannot be used are named with column and value."""

from typing import Any

import pytest

from tests.tuner.shapes.conversations import with_calls
from tests.tuner.shapes.rows import ASSISTANT, USER, rows, shape_of
from tuner.rows.row import LossCause, RowFault


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
            {"messages": with_calls([{"function": {"name": "f", "arguments": '{"a'}}])},
            LossCause.MALFORMED,
            "messages[1].tool_calls[0].arguments is '{\"a'; it must be JSON",
        ),
        (
            {"messages": with_calls([{"function": {"name": "f", "arguments": "[1]"}}])},
            LossCause.MALFORMED,
            "arguments is '[1]'; it must be a JSON object",
        ),
        (
            {"messages": with_calls([{"id": 1}])},
            LossCause.MALFORMED,
            "messages[1].tool_calls[0] is",
        ),
        ({"messages": with_calls("f()")}, LossCause.MALFORMED, "messages[1].tool_calls is 'f()'"),
        ({"messages": with_calls(3)}, LossCause.MALFORMED, "tool_calls is 3; it must be a list"),
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
