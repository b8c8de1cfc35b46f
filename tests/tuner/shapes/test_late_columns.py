"""Columns that the first rows of a file lack: in JSON, keys without a value are often left out."""

from typing import Any

import pytest

from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER, rows, shape_of
from tuner.rows.record import Completion, Conversation
from tuner.rows.row import RowFault

TOOL = {"type": "function", "function": {"name": "f"}}
CHAT = [USER, ASSISTANT]


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        (
            {"messages": CHAT},
            {"messages": CHAT, "tools": [TOOL]},
            Conversation((USER, ASSISTANT), (TOOL,)),
        ),
        (
            {"messages": CHAT},
            {"messages": CHAT, "system": "Be brief."},
            Conversation((SYSTEM, USER, ASSISTANT)),
        ),
        (
            {"prompt": [USER], "completion": [ASSISTANT]},
            {"prompt": [USER], "completion": [ASSISTANT], "tools": [TOOL]},
            Conversation((USER, ASSISTANT), (TOOL,)),
        ),
        (
            {"prompt": "Hi", "completion": "Hello"},
            {"prompt": "Hi", "completion": "Hello", "system_prompt": "Be brief."},
            Conversation((SYSTEM, USER, ASSISTANT)),
        ),
        (
            {"instruction": "Add", "output": "3"},
            {"instruction": "Add", "output": "3", "input": "1, 2"},
            Completion("Add\n\n1, 2", "3"),
        ),
        (
            {"instruction": "Who?", "response": "Ann"},
            {"instruction": "Who?", "response": "Ann", "context": "Ann is here."},
            Completion("Who?\n\nAnn is here.", "Ann"),
        ),
        (
            {"question": "Who?", "answer": "Ann"},
            {"question": "Who?", "answer": "Ann", "passage": "Ann is here."},
            Completion("Who?\n\nAnn is here.", "Ann"),
        ),
        (
            {"question": "Who?", "answers": ["Ann"]},
            {"question": "Who?", "answers": ["Ann"], "context": "Ann is here."},
            Completion("Who?\n\nAnn is here.", "Ann"),
        ),
        (
            {"prompt": "Hi", "response": "Hello"},
            {"prompt": "Hi", "response": "Hello", "history": [["a", "b"]]},
            Conversation(
                (
                    {"role": "user", "content": "a"},
                    {"role": "assistant", "content": "b"},
                    USER,
                    ASSISTANT,
                )
            ),
        ),
        (
            {"prompt": "Hi", "completion": "Hello"},
            {"prompt": "Hi", "completion": "Hello", "label": True},
            Completion("Hi", "Hello"),
        ),
        (
            {"prompt": "Hi", "completion": "Hello"},
            {"prompt": "Hi", "completion": "Hello", "label": "greeting"},
            Completion("Hi", "Hello"),
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_column_of_a_later_row_is_read(
    first: dict[str, Any], later: dict[str, Any], expected: Any
) -> None:
    shape = shape_of(first)
    assert shape.columns == tuple(first)
    assert shape.to_record(rows(later)[0]) == expected


def test_completion_that_a_later_label_rejects_is_not_learned() -> None:
    shape = shape_of({"prompt": "Hi", "completion": "Hello"})
    with pytest.raises(RowFault, match="column label is False, so the completion is not desired"):
        shape.to_record(rows({"prompt": "Hi", "completion": "No", "label": False})[0])
