"""Text, lists of answers, function calls and trees of messages."""

from typing import Any

import pytest

from tests.tuner.shapes.rows import ASSISTANT, USER, check_fault, record_of
from tuner.rows.record import Completion, Conversation, Text
from tuner.rows.row import LossCause

CHOSEN = Completion("q\n\nA. x\nB. y", "B. y")
CALL = {"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
TOOL = {"type": "function", "function": {"name": "f"}}


def _node(role: str, text: Any, *replies: Any, **fields: Any) -> dict[str, Any]:
    return {"role": role, "text": text, "replies": list(replies), **fields}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "a"}, Text("a")),
        ({"Text": " a\n"}, Text(" a\n")),
        ({"text": "a", "title": "b", "url": "c"}, Text("a")),
        ({"content": "a", "path": "b"}, Text("a")),
        ({"content": "a", "text": "b"}, Text("b")),
        ({"text": "### Human: Hi### Assistant: Hello"}, Text("### Human: Hi### Assistant: Hello")),
        ({"question": "q", "answers": {"text": ["a", "b"]}}, Completion("q", "a")),
        ({"question": "q", "answers": ["a", "b"]}, Completion("q", "a")),
        ({"question": "q", "answers": [{"text": "a"}]}, Completion("q", "a")),
        ({"question": "q", "answers": "['a']"}, Completion("q", "a")),
        ({"question": "q", "context": "c", "answers": ["a"]}, Completion("q\n\nc", "a")),
        (
            {"query": "Hi", "tools": [TOOL], "answers": [CALL]},
            Conversation(
                (USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}), (TOOL,)
            ),
        ),
        ({"question": "q", "choices": ["x", "y"], "answer": 1}, CHOSEN),
        ({"question": "q", "choices": ["x", "y"], "answer": "1"}, CHOSEN),
        ({"question": "q", "choices": ["x", "y"], "answer": "B"}, CHOSEN),
        ({"question": "q", "choices": ["x", "y"], "answer": "y"}, CHOSEN),
        ({"question": "q", "choices": "['x', 'y']", "answer": 1}, CHOSEN),
        ({"question": "q", "options": {"A": "x", "B": "y"}, "answer_idx": "B"}, CHOSEN),
        (
            {"question": "q", "options": {"A": "x", "B": "y"}, "answer": "y", "answer_idx": "B"},
            CHOSEN,
        ),
        (
            {
                "question_stem": "q",
                "choices": {"text": ["x", "y"], "label": ["A", "B"]},
                "answerKey": "B",
            },
            CHOSEN,
        ),
        (
            {
                "question": "q",
                "choices": {"text": ["x", "y"], "label": ["1", "2"]},
                "answerKey": "2",
            },
            Completion("q\n\n1. x\n2. y", "2. y"),
        ),
        (
            {"question": "q", "choices": {"text": ["x", "y"], "label": [1, 2]}, "answerKey": 1},
            Completion("q\n\n1. x\n2. y", "1. x"),
        ),
        (
            {"question": "q", "options": {"1": "2", "2": "1"}, "answer": 1},
            Completion("q\n\n1. 2\n2. 1", "1. 2"),
        ),
        (
            {"question": "q", "article": "c", "options": ["2", "1"], "answer": 1},
            Completion("q\n\nc\n\nA. 2\nB. 1", "B. 1"),
        ),
        (
            {"prompt": _node("prompter", "Hi", _node("assistant", "Hello"))},
            Conversation((USER, ASSISTANT)),
        ),
        (
            {
                "prompt": _node(
                    "prompter",
                    "Hi",
                    _node("assistant", "c"),
                    _node("assistant", "b", rank=1),
                    _node("assistant", "Hello", rank=0),
                )
            },
            Conversation((USER, ASSISTANT)),
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_rows_become_records(row: dict[str, Any], expected: Any) -> None:
    assert record_of(row) == expected


@pytest.mark.parametrize(
    ("first", "row", "cause", "detail"),
    [
        ({"text": "a"}, {"text": None}, LossCause.EMPTY, "column text is null; it must hold text"),
        ({"text": "a"}, {"text": "\n"}, LossCause.BLANK, "column text is '\\n'"),
        ({"text": "a"}, {"text": ""}, LossCause.BLANK, "column text is ''"),
        ({"text": "a"}, {"text": float("nan")}, LossCause.EMPTY, "column text is nan"),
        ({"text": "a"}, {"other": "b"}, LossCause.EMPTY, "column text is null"),
        ({"text": "a"}, {"text": ["b"]}, LossCause.MALFORMED, "column text is ['b']; it must be"),
        ({"text": "a"}, {"text": "a\udc80"}, LossCause.MALFORMED, "holds '\\udc80', which is half"),
        (
            {"question": "q", "answers": {"text": ["a"]}},
            {"question": "q", "answers": {"text": []}},
            LossCause.NO_ANSWER,
            "column answers is an empty list",
        ),
        (
            {"question": "q", "answers": ["a"]},
            {"question": "q", "answers": "a"},
            LossCause.MALFORMED,
            "column answers is 'a'; it must be JSON",
        ),
        (
            {"question": "q", "answers": ["a"]},
            {"question": "q", "answers": 3},
            LossCause.MALFORMED,
            "column answers is 3; it must be a list of answers, or hold one under text",
        ),
        (
            {"question": "q", "answers": ["a"]},
            {"question": "q", "answers": [None]},
            LossCause.EMPTY,
            "column answers[0] is null",
        ),
        (
            {"question": "q", "choices": ["x", "y"], "answer": 1},
            {"question": "q", "choices": ["x", "y"], "answer": 2},
            LossCause.MALFORMED,
            "column answer is 2; it must name one of A, B",
        ),
        (
            {"question": "q", "choices": ["x", "y"], "answer": 1},
            {"question": "q", "choices": ["x", "y"], "answer": None},
            LossCause.MALFORMED,
            "column answer is null; it must name one of A, B",
        ),
        (
            {"question": "q", "choices": ["x", "y"], "answer": 1},
            {"question": "q", "choices": ["B", "A"], "answer": "A"},
            LossCause.MALFORMED,
            "column answer is 'A'; it is a label, and the text of B; use the number of the choice",
        ),
        (
            {"question": "q", "choices": ["x", "y"], "answer": 1},
            {"question": "q", "choices": ["x"], "answer": 1},
            LossCause.MALFORMED,
            "column choices is ['x']; it must be a list of at least two choices",
        ),
        (
            {"question": "q", "choices": ["x", "y"], "answer": 1},
            {"question": "q", "choices": {}, "answer": 1},
            LossCause.MALFORMED,
            "column choices is {}; it must be a list of at least two choices",
        ),
        (
            {"question": "q", "choices": ["x", "y"], "answer": 1},
            {"question": "q", "choices": 3, "answer": 1},
            LossCause.MALFORMED,
            "column choices is 3; it must be a list of choices",
        ),
        (
            {"query": "q", "tools": [TOOL], "answers": [CALL]},
            {"query": "q", "tools": [TOOL], "answers": []},
            LossCause.EMPTY,
            "column answers.content is []",
        ),
        (
            {"prompt": _node("prompter", "q")},
            {"prompt": _node("prompter", "q")},
            LossCause.NO_ANSWER,
            "column prompt has no message of role assistant",
        ),
        (
            {"prompt": _node("prompter", "q")},
            {"prompt": _node("prompter", "q", "x")},
            LossCause.MALFORMED,
            "column prompt.replies is 'x'; it must be {role, text, replies}",
        ),
        (
            {"prompt": _node("prompter", "q")},
            {"prompt": {"role": "prompter", "text": "q", "replies": 3}},
            LossCause.MALFORMED,
            "column prompt.replies is 3; it must be a list of {role, text, replies}",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_fault_names_the_column(
    first: dict[str, Any], row: dict[str, Any], cause: LossCause, detail: str
) -> None:
    check_fault(first, row, cause, detail)
