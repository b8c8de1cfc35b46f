"""Which columns training reads, and in which format."""

from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tuner.data.dataset_schema import DatasetFormat, DatasetSchema, find_schema
from tuner.data.file_contents import FileContents
from tuner.errors import RunError
from tuner.reasons import Reason

MESSAGES = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def _contents(row: dict[str, Any], rows: int = 1) -> FileContents:
    return FileContents(format="parquet", columns=tuple(row), rows=rows, sample=(row,) * rows)


@pytest.mark.parametrize(
    ("row", "config", "schema"),
    [
        (
            {"id": 1, "messages": MESSAGES},
            {},
            DatasetSchema(DatasetFormat.CONVERSATIONAL, ("messages",)),
        ),
        (
            {"messages": MESSAGES, "text": "x"},
            {},
            DatasetSchema(DatasetFormat.CONVERSATIONAL, ("messages",)),
        ),
        (
            {"prompt": "a", "completion": "b"},
            {},
            DatasetSchema(DatasetFormat.PROMPT_COMPLETION, ("prompt", "completion")),
        ),
        ({"text": "a"}, {}, DatasetSchema(DatasetFormat.LANGUAGE_MODELING, ("text",))),
        (
            {"chat": MESSAGES},
            {"messages_column": "chat"},
            DatasetSchema(DatasetFormat.CONVERSATIONAL, ("chat",)),
        ),
        (
            {"q": "a", "a": "b"},
            {"context_column": "q", "response_column": "a"},
            DatasetSchema(DatasetFormat.PROMPT_COMPLETION, ("q", "a")),
        ),
        (
            {"body": "a"},
            {"response_column": "body"},
            DatasetSchema(DatasetFormat.LANGUAGE_MODELING, ("body",)),
        ),
    ],
    ids=["messages", "messages first", "pairs", "text", "named messages", "named pair", "named"],
)
def test_schema_is_found(
    row: dict[str, Any], config: dict[str, Any], schema: DatasetSchema
) -> None:
    assert find_schema("x", _contents(row), DatasetConfig(**config)) == schema


@pytest.mark.parametrize(
    ("row", "config", "expected"),
    [
        ({"question": "a", "answer": "b"}, {}, "it has: question, answer"),
        ({"prompt": "a"}, {}, "lacks the column messages, or prompt and completion, or text"),
        ({"a": "b"}, {"messages_column": "chat"}, "lacks the column chat"),
        ({"q": "b"}, {"context_column": "q"}, "lacks the column q and text"),
        ({"messages": "hello"}, {}, "row 0: column messages must be a list of {role, content}"),
        ({"messages": [{"from": "x", "value": "y"}]}, {}, "must be a list of {role, content}"),
        ({"messages": [{"role": "user", "content": None}]}, {}, "with text in both"),
        ({"messages": None}, {}, "but is None"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_missing_column_is_named(
    row: dict[str, Any], config: dict[str, Any], expected: str
) -> None:
    with pytest.raises(RunError) as caught:
        find_schema("x.parquet", _contents(row), DatasetConfig(**config))
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert "x.parquet" in caught.value.message
    assert expected in caught.value.message


def test_file_without_rows_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        find_schema("x.parquet", _contents({"messages": MESSAGES}, rows=0), DatasetConfig())
    assert caught.value.reason is Reason.DATA_EMPTY
