"""Turning rows into examples."""

from typing import Any

import pytest

from tuner.data.dataset_schema import DatasetFormat, DatasetSchema
from tuner.training.examples import assistant_turns, to_examples

U1, A1 = {"role": "user", "content": "u1"}, {"role": "assistant", "content": "a1"}
U2, A2 = {"role": "user", "content": "u2"}, {"role": "assistant", "content": "a2"}
SYSTEM = {"role": "system", "content": "s"}
MESSAGES = DatasetSchema(DatasetFormat.CONVERSATIONAL, ("chat",))
PAIRS = DatasetSchema(DatasetFormat.PROMPT_COMPLETION, ("q", "a"))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([U1, A1], [([U1], [A1])]),
        ([SYSTEM, U1, A1, U2, A2], [([SYSTEM, U1], [A1]), ([SYSTEM, U1, A1, U2], [A2])]),
        ([A1, U1], []),
        ([U1], []),
        ([], []),
        ([U1, {"role": "assistant", "content": ""}], []),
    ],
    ids=["one", "two", "assistant first", "no answer", "nothing", "empty answer"],
)
def test_each_assistant_message_is_an_example(messages: Any, expected: Any) -> None:
    assert assistant_turns(messages) == expected


@pytest.mark.parametrize(
    ("rows", "schema", "chat", "completion_only", "examples"),
    [
        (
            {"chat": [[U1, {**A1, "name": "x"}], None]},
            MESSAGES,
            True,
            True,
            {"prompt": [[U1]], "completion": [[A1]]},
        ),
        ({"chat": [[U1, A1, U2], []]}, MESSAGES, True, False, {"messages": [[U1, A1, U2]]}),
        (
            {"q": ["u1", None], "a": ["a1", "x"]},
            PAIRS,
            True,
            True,
            {"prompt": [[U1]], "completion": [[A1]]},
        ),
        ({"q": ["u1"], "a": ["a1"]}, PAIRS, False, True, {"prompt": ["u1"], "completion": ["a1"]}),
        (
            {"t": ["x", "", None]},
            DatasetSchema(DatasetFormat.LANGUAGE_MODELING, ("t",)),
            True,
            True,
            {"text": ["x"]},
        ),
    ],
    ids=["conversations", "whole conversations", "pairs in a chat", "pairs", "text"],
)
def test_rows_become_examples(
    rows: Any, schema: DatasetSchema, chat: bool, completion_only: bool, examples: Any
) -> None:
    assert to_examples(rows, schema, chat, completion_only) == examples
