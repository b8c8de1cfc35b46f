"""Which columns are trained on."""

from typing import Any

import pytest

from tuner.config.sections import DatasetConfig
from tuner.data.contents import Contents
from tuner.data.shape import Kind, Shape, find_shape
from tuner.errors import RunError
from tuner.reasons import Reason

TALK = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def _contents(row: dict[str, Any], rows: int = 1) -> Contents:
    return Contents(format="parquet", columns=tuple(row), rows=rows, sample=(row,) * rows)


@pytest.mark.parametrize(
    ("row", "config", "shape"),
    [
        ({"id": 1, "messages": TALK}, {}, Shape(Kind.MESSAGES, ("messages",))),
        ({"messages": TALK, "text": "x"}, {}, Shape(Kind.MESSAGES, ("messages",))),
        ({"prompt": "a", "completion": "b"}, {}, Shape(Kind.PAIRS, ("prompt", "completion"))),
        ({"text": "a"}, {}, Shape(Kind.TEXT, ("text",))),
        ({"chat": TALK}, {"messages_column": "chat"}, Shape(Kind.MESSAGES, ("chat",))),
        (
            {"q": "a", "a": "b"},
            {"context_column": "q", "response_column": "a"},
            Shape(Kind.PAIRS, ("q", "a")),
        ),
        ({"body": "a"}, {"response_column": "body"}, Shape(Kind.TEXT, ("body",))),
    ],
    ids=["messages", "messages first", "pairs", "text", "named messages", "named pair", "named"],
)
def test_found(row: dict[str, Any], config: dict[str, Any], shape: Shape) -> None:
    assert find_shape("x", _contents(row), DatasetConfig(**config)) == shape


@pytest.mark.parametrize(
    ("row", "config", "said"),
    [
        ({"question": "a", "answer": "b"}, {}, "it has: question, answer"),
        ({"prompt": "a"}, {}, "lacks the column messages, or prompt and completion, or text"),
        ({"a": "b"}, {"messages_column": "chat"}, "lacks the column chat"),
        ({"q": "b"}, {"context_column": "q"}, "lacks the column q and text"),
        ({"messages": "hello"}, {}, "row 0: column messages must be a list of {role, content}"),
        ({"messages": [{"from": "x", "value": "y"}]}, {}, "must be a list of {role, content}"),
        ({"messages": [{"role": "user", "content": None}]}, {}, "with texts in both"),
        ({"messages": None}, {}, "but is None"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_missing(row: dict[str, Any], config: dict[str, Any], said: str) -> None:
    with pytest.raises(RunError) as caught:
        find_shape("x.parquet", _contents(row), DatasetConfig(**config))
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert "x.parquet" in caught.value.message
    assert said in caught.value.message


def test_no_rows() -> None:
    with pytest.raises(RunError) as caught:
        find_shape("x.parquet", _contents({"messages": TALK}, rows=0), DatasetConfig())
    assert caught.value.reason is Reason.DATA_EMPTY
