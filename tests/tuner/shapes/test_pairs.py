"""Questions and answers in two columns."""

from typing import Any

import pytest

from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER, check_fault, record_of, rows, shape_of
from tuner.rows.record import Completion, Conversation
from tuner.rows.row import LossCause, RowFault
from tuner.shapes.pairs.pair_columns import PAIRS, SUMMARY_COLUMNS

PAIR = Completion("Hi", "Hello")
BRIEF = Conversation((SYSTEM, USER, ASSISTANT))
EARLIER = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})


@pytest.mark.parametrize(("prompt", "answer"), PAIRS)
def test_usual_names_are_found(prompt: str, answer: str) -> None:
    row = {answer: "Hello", prompt: "Hi", "id": 1}
    assert record_of(row) == PAIR
    assert shape_of(row).columns == (prompt, answer)


@pytest.mark.parametrize(("source", "summary"), SUMMARY_COLUMNS)
def test_summaries_are_found(source: str, summary: str) -> None:
    row = {source: "Hi", summary: "Hello"}
    assert record_of(row) == PAIR
    assert shape_of(row).name == f"{source}-{summary}"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"instruction": "Hi", "input": "", "output": "Hello"}, PAIR),
        ({"instruction": "Hi", "input": None, "output": "Hello"}, PAIR),
        ({"instruction": "Hi", "input": " ", "output": "Hello"}, PAIR),
        ({"instruction": "Hi", "input": float("nan"), "output": "Hello"}, PAIR),
        (
            {"instruction": "Hi", "input": "Ann", "output": "Hello"},
            Completion("Hi\n\nAnn", "Hello"),
        ),
        (
            {"question": "Who?", "context": "Ann is here.", "answer": "Ann"},
            Completion("Who?\n\nAnn is here.", "Ann"),
        ),
        (
            {"question": "Is it?", "passage": "It is.", "answer": True},
            Completion("Is it?\n\nIt is.", "true"),
        ),
        # This prompt contains the answer, too.
        ({"instruction": "Hi", "input": "", "output": "Hello", "prompt": "Hi: Hello"}, PAIR),
        ({"problem": "Hi", "answer": "Lo", "solution": "Hello"}, PAIR),
        ({"source": "a site", "question": "Hi", "answer": "Hello", "user": "Ann"}, PAIR),
        # In TRL's format, a column of this name is somebody's notes.
        ({"prompt": "Hi", "completion": "Hello", "context": "notes"}, PAIR),
        # HotpotQA's: a context that is no text is left aside.
        ({"question": "Hi", "answer": "Hello", "context": {"title": ["a"]}}, PAIR),
        ({"prompt": "Hi", "completion": "Hello", "system": "Be brief."}, BRIEF),
        ({"system_prompt": "Be brief.", "question": "Hi", "response": "Hello"}, BRIEF),
        ({"system_prompt": "", "question": "Hi", "response": "Hello"}, PAIR),
        (
            {"instruction": "Hi", "output": "Hello", "history": [["a", "b"]]},
            Conversation((*EARLIER, USER, ASSISTANT)),
        ),
        ({"instruction": "Hi", "output": "Hello", "history": []}, PAIR),
        ({"instruction": "Hi", "output": "Hello", "history": None}, PAIR),
        ({"instruction": "Hi", "output": "Hello", "history": "[]"}, PAIR),
        ({"instruction": "Hi", "output": "Hello", "history": ""}, PAIR),
        ({"instruction": "Hi", "output": "Hello", "history": "No allergies."}, PAIR),
        (
            {"instruction": "Hi", "output": "Hello", "history": '[["a", "b"]]'},
            Conversation(
                (
                    {"role": "user", "content": "a"},
                    {"role": "assistant", "content": "b"},
                    USER,
                    ASSISTANT,
                )
            ),
        ),
        ({"prompt": "Hi", "completion": 1}, Completion("Hi", "1")),
        ({"prompt": "Hi", "completion": 0}, Completion("Hi", "0")),
        ({"prompt": "Hi", "completion": 0.5}, Completion("Hi", "0.5")),
        ({"prompt": "Hi", "completion": False}, Completion("Hi", "false")),
        ({"prompt": 3, "completion": "Hello"}, Completion("3", "Hello")),
        ({"prompt": "Hi\n\n", "completion": " Hello\n"}, Completion("Hi\n\n", " Hello\n")),
        ({"prompt": "<|im_start|>", "completion": "Hello"}, Completion("<|im_start|>", "Hello")),
    ],
    ids=lambda value: str(value)[:70],
)
def test_rows_become_pairs(row: dict[str, Any], expected: Any) -> None:
    assert record_of(row) == expected


@pytest.mark.parametrize(
    ("row", "untrained", "roles"),
    [
        ({"prompt": [USER], "completion": [ASSISTANT]}, (), "user assistant"),
        ({"prompt": "Hi", "completion": [ASSISTANT]}, (), "user assistant"),
        ({"prompt": [USER], "completion": "Hello"}, (), "user assistant"),
        ({"prompt": [USER], "completion": ASSISTANT}, (), "user assistant"),
        ({"prompt": [SYSTEM, USER], "completion": [ASSISTANT]}, (), "system user assistant"),
        (
            {"prompt": [USER, ASSISTANT, USER], "completion": [ASSISTANT]},
            (1,),
            "user assistant user assistant",
        ),
        (
            {"prompt": [USER], "completion": [ASSISTANT, USER, ASSISTANT]},
            (),
            "user assistant user assistant",
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_messages_of_the_prompt_are_context(
    row: dict[str, Any], untrained: tuple[int, ...], roles: str
) -> None:
    record = record_of(row)
    assert isinstance(record, Conversation)
    assert " ".join(message["role"] for message in record.messages) == roles
    assert record.untrained == frozenset(untrained)
    assert shape_of(row).name == "conversational prompt-completion"


def test_conversational_prompt_has_tools() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    record = record_of({"prompt": [USER], "completion": [ASSISTANT], "tools": [tool]})
    assert record == Conversation((USER, ASSISTANT), (tool,))


@pytest.mark.parametrize("label", [True, "True", "true", 1, "1"])
def test_desired_completion_is_learned(label: Any) -> None:
    row = {"prompt": "Hi", "completion": "Hello", "label": label}
    assert record_of(row) == PAIR
    assert shape_of(row).name == "prompt-completion with label"


@pytest.mark.parametrize(
    ("row", "cause", "detail"),
    [
        ({"prompt": None, "completion": "a"}, LossCause.EMPTY, "column prompt is null; it must"),
        ({"prompt": " ", "completion": "a"}, LossCause.EMPTY, "column prompt is ' '"),
        ({"prompt": "a", "completion": ""}, LossCause.EMPTY, "column completion is ''"),
        ({"prompt": "a"}, LossCause.EMPTY, "column completion is null"),
        ({"prompt": "a", "completion": float("nan")}, LossCause.EMPTY, "column completion is nan"),
        ({"prompt": "a", "completion": ["b"]}, LossCause.MALFORMED, "completion is ['b']; it must"),
        (
            {"prompt": {"a": 1}, "completion": "b"},
            LossCause.MALFORMED,
            "column prompt is {'a': 1}; it must be text; to take a key of it, use a template with "
            "{prompt.a}",
        ),
        ({"prompt": "a", "completion": b"\xff"}, LossCause.MALFORMED, "must be text in UTF-8"),
        ({"prompt": "a", "completion": "\ud83d"}, LossCause.MALFORMED, "half of a character"),
    ],
    ids=lambda value: str(value)[:70],
)
def test_fault_names_the_column(row: dict[str, Any], cause: LossCause, detail: str) -> None:
    shape = shape_of({"prompt": "Hi", "completion": "Hello"})
    with pytest.raises(RowFault) as caught:
        shape.to_record(rows(row)[0])
    assert caught.value.cause is cause
    assert detail in caught.value.detail


@pytest.mark.parametrize(
    ("first", "row", "cause", "detail"),
    [
        (
            {"prompt": "a", "completion": "b", "label": True},
            {"prompt": "a", "completion": "b", "label": False},
            LossCause.NO_ANSWER,
            "column label is False, so the completion is not desired; remove such rows, or rename "
            "the column if it says something else",
        ),
        (
            {"question": "a", "answer": "b", "label": 1},
            {"question": "a", "answer": "b", "label": 0},
            LossCause.NO_ANSWER,
            "column label is 0, so the completion is not desired",
        ),
        (
            {"prompt": "a", "completion": "b", "label": 1},
            {"prompt": "a", "completion": "b", "label": 2},
            LossCause.MALFORMED,
            "column label is 2; it must be true or false",
        ),
        (
            {"prompt": "a", "completion": "b", "label": True},
            {"prompt": "a", "completion": "b", "label": None},
            LossCause.MALFORMED,
            "column label is null; it must be true or false",
        ),
        (
            {"instruction": "a", "output": "b", "history": []},
            {"instruction": "a", "output": "b", "history": [["a"]]},
            LossCause.MALFORMED,
            "column history is [['a']]; it must be a list of [question, answer]",
        ),
        (
            {"prompt": [USER], "completion": [ASSISTANT]},
            {"prompt": [USER], "completion": ""},
            LossCause.EMPTY,
            "column completion is ''",
        ),
        (
            {"prompt": [USER], "completion": [ASSISTANT]},
            {"prompt": [USER, ASSISTANT], "completion": [USER]},
            LossCause.NO_ANSWER,
            "column completion has no message of role assistant that is to be learned",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_fault_of_a_later_row(
    first: dict[str, Any], row: dict[str, Any], cause: LossCause, detail: str
) -> None:
    check_fault(first, row, cause, detail)


@pytest.mark.parametrize(
    ("row", "config", "expected"),
    [
        ({"q": "Hi", "a": "Hello"}, {"context_column": "q", "response_column": "a"}, PAIR),
        ({"Q ": "Hi", "A": "Hello"}, {"context_column": "q", "response_column": "a"}, PAIR),
        ({"q": "Hi", "text": "Hello"}, {"context_column": "q"}, PAIR),
        ({"q": [USER], "text": "Hello"}, {"context_column": "q"}, Conversation((USER, ASSISTANT))),
        ({"prompt": "Hi", "completion": "Hello"}, {"system_prompt": "Be brief."}, BRIEF),
        (
            {"q": "Hi", "text": "Hello"},
            {"context_column": "q", "system_prompt": "Be brief."},
            BRIEF,
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_configuration(row: dict[str, Any], config: dict[str, Any], expected: Any) -> None:
    assert record_of(row, **config) == expected
