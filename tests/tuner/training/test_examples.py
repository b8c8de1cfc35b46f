"""Rows → examples."""

from typing import Any

import pytest

from tuner.data.shape import Kind, Shape
from tuner.training.examples import to_examples, turns

U1, A1 = {"role": "user", "content": "u1"}, {"role": "assistant", "content": "a1"}
U2, A2 = {"role": "user", "content": "u2"}, {"role": "assistant", "content": "a2"}
SYSTEM = {"role": "system", "content": "s"}
MESSAGES = Shape(Kind.MESSAGES, ("chat",))
PAIRS = Shape(Kind.PAIRS, ("q", "a"))


@pytest.mark.parametrize(
    ("talk", "found"),
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
def test_each_assistant_turn_is_an_example(talk: Any, found: Any) -> None:
    assert turns(talk) == found


@pytest.mark.parametrize(
    ("rows", "shape", "chat", "whole", "examples"),
    [
        (
            {"chat": [[U1, {**A1, "name": "x"}], None]},
            MESSAGES,
            True,
            False,
            {"prompt": [[U1]], "completion": [[A1]]},
        ),
        ({"chat": [[U1, A1, U2], []]}, MESSAGES, True, True, {"messages": [[U1, A1, U2]]}),
        (
            {"q": ["u1", None], "a": ["a1", "x"]},
            PAIRS,
            True,
            False,
            {"prompt": [[U1]], "completion": [[A1]]},
        ),
        ({"q": ["u1"], "a": ["a1"]}, PAIRS, False, False, {"prompt": ["u1"], "completion": ["a1"]}),
        ({"t": ["x", "", None]}, Shape(Kind.TEXT, ("t",)), True, False, {"text": ["x"]}),
    ],
    ids=["messages", "whole messages", "pairs in a chat", "pairs", "text"],
)
def test_examples(rows: Any, shape: Shape, chat: bool, whole: bool, examples: Any) -> None:
    assert to_examples(rows, shape, chat, whole) == examples
