"""Which shape the rows of a file have."""

from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.shapes.rows import ASSISTANT, USER, rows, shape_of
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.shapes.detection import find_shape

CHAT = [USER, ASSISTANT]
TURNS = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]


@pytest.mark.parametrize(
    ("row", "config", "name", "columns"),
    [
        ({"id": 1, "messages": CHAT}, {}, "messages", ("messages",)),
        ({"messages": CHAT, "text": "x"}, {}, "messages", ("messages",)),
        ({"Messages ": CHAT}, {}, "messages", ("Messages ",)),
        ({"messages": CHAT, "tools": []}, {}, "messages", ("messages", "tools")),
        ({"conversations": TURNS}, {}, "sharegpt", ("conversations",)),
        ({"conversation": CHAT}, {}, "messages", ("conversation",)),
        ({"thread": CHAT, "id": 1}, {}, "messages", ("thread",)),
        ({"prompt": "a", "completion": "b"}, {}, "prompt-completion", ("prompt", "completion")),
        ({"Prompt ": "a", " COMPLETION": "b"}, {}, "prompt-completion", ("Prompt ", " COMPLETION")),
        (
            {"prompt": [USER], "completion": [ASSISTANT]},
            {},
            "conversational prompt-completion",
            ("prompt", "completion"),
        ),
        ({"instruction": "a", "input": "", "output": "b"}, {}, "alpaca", None),
        ({"instruction": "a", "output": "b", "text": "c"}, {}, "alpaca", ("instruction", "output")),
        ({"instruction": "a", "context": "", "response": "b"}, {}, "dolly", None),
        ({"question": "a", "answer": "b"}, {}, "question-answer", ("question", "answer")),
        ({"dialogue": "a", "summary": "b"}, {}, "dialogue-summary", ("dialogue", "summary")),
        ({"text": "a"}, {}, "text", ("text",)),
        ({"content": "a", "url": "b"}, {}, "text", ("content",)),
        ({"chat": CHAT}, {"messages_column": "chat"}, "messages", ("chat",)),
        (
            {"q": "a", "a": "b"},
            {"context_column": "q", "response_column": "a"},
            "prompt-completion",
            ("q", "a"),
        ),
        ({"body": "a", "messages": CHAT}, {"response_column": "body"}, "text", ("body",)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_shape_is_found(
    row: dict[str, Any], config: dict[str, Any], name: str, columns: tuple[str, ...] | None
) -> None:
    shape = shape_of(row, **config)
    assert shape.name == name
    assert shape.columns == (columns if columns is not None else tuple(row))


@pytest.mark.parametrize(
    ("row", "config", "expected"),
    [
        ({"a": "b", "c": "d"}, {}, "it has: a, c; rename a column, or name yours in DatasetConfig"),
        ({"prompt": "a"}, {}, "such as messages, or prompt and completion, or text"),
        ({"a": "b"}, {"messages_column": "chat"}, "lacks the column chat, which DatasetConfig."),
        (
            {"q": "b"},
            {"context_column": "q"},
            "lacks the column text, which DatasetConfig.response",
        ),
        ({"q": "b"}, {"response_column": "z"}, "it has: q; correct response_column"),
        (
            {"q": "b", "text": "c"},
            {"prompt_template": "{q} {z}"},
            "lacks the column z, which DatasetConfig.prompt_template names; it has: q, text",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_missing_column_is_named(
    row: dict[str, Any], config: dict[str, Any], expected: str
) -> None:
    with pytest.raises(RunError) as caught:
        shape_of(row, **config)
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert "data.jsonl" in caught.value.message
    assert expected in caught.value.message


def test_file_without_rows_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        find_shape("x.parquet", rows(), DatasetConfig())
    assert caught.value.reason is Reason.DATA_EMPTY


def test_choice_among_shapes_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    shape = shape_of({"messages": CHAT, "question": "a", "answer": "b", "text": "c"})
    assert shape.name == "messages"
    assert caplog.messages == [
        "data file data.jsonl is read as messages (messages); it could also be question-answer "
        "(question, answer) or text (text): to choose, set messages_column, or context_column and "
        "response_column, of DatasetConfig"
    ]
