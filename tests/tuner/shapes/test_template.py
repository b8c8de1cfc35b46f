"""Prompts and answers that DatasetConfig puts together from several columns."""

from typing import Any

import pytest

from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER, record_of, rows, shape_of
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.rows.record import Completion, Conversation, Text
from tuner.rows.row import LossCause, RowFault

ROW = {"q": "Hi", "hint": "Be kind", "a": "Hello", "en": {"de": {"x": "Hallo"}}, "text": "T"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"prompt_template": "{q}", "response_template": "{a}"}, Completion("Hi", "Hello")),
        ({"prompt_template": "{q}", "response_column": "a"}, Completion("Hi", "Hello")),
        ({"prompt_template": "{q}"}, Completion("Hi", "T")),
        ({"context_column": "q", "response_template": "{a}!"}, Completion("Hi", "Hello!")),
        (
            {"prompt_template": "Q: {q}\n\n{hint}\n", "response_column": "a"},
            Completion("Q: Hi\n\nBe kind", "Hello"),
        ),
        (
            {"prompt_template": "{{q}} {q}", "response_template": '{{"answer": "{a}"}}'},
            Completion("{q} Hi", '{"answer": "Hello"}'),
        ),
        ({"prompt_template": "{ Q }", "response_column": "A"}, Completion("Hi", "Hello")),
        ({"prompt_template": "{en.de.x}", "response_column": "a"}, Completion("Hallo", "Hello")),
        ({"response_template": "{q}\n{a}"}, Text("Hi\nHello")),
        (
            {"prompt_template": "{q}", "response_column": "a", "system_prompt": "Be brief."},
            Conversation((SYSTEM, USER, ASSISTANT)),
        ),
    ],
    ids=str,
)
def test_columns_are_joined(config: dict[str, Any], expected: Any) -> None:
    assert record_of(ROW, **config) == expected
    assert shape_of(ROW, **config).name == "template"


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"q": "Hi", "hint": None}, "Hi"),
        ({"q": "Hi", "hint": " "}, "Hi"),
        ({"q": "Hi"}, "Hi"),
        ({"q": None, "hint": "x"}, "x"),
        ({"q": 3, "hint": True}, "3\n\ntrue"),
        ({"q": "{hint}", "hint": "x"}, "{hint}\n\nx"),
    ],
    ids=str,
)
def test_blank_columns_leave_no_trace_at_the_ends(row: dict[str, Any], prompt: str) -> None:
    config = {"prompt_template": "{q}\n\n{hint}", "response_column": "a"}
    record = shape_of(ROW, **config).to_record(rows({**row, "a": "Hello"})[0])
    assert record == Completion(prompt, "Hello")


@pytest.mark.parametrize(
    ("row", "cause", "detail"),
    [
        (
            {"q": None, "hint": ""},
            LossCause.EMPTY,
            "all columns of prompt_template are empty: q, hint",
        ),
        ({"q": "Hi"}, LossCause.EMPTY, "all columns of response_column are empty: a"),
        ({"q": ["x"], "a": "y"}, LossCause.MALFORMED, "column q is ['x']; it must be text"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_fault_names_the_columns(row: dict[str, Any], cause: LossCause, detail: str) -> None:
    config = {"prompt_template": "{q}\n\n{hint}", "response_column": "a"}
    with pytest.raises(RowFault) as caught:
        shape_of(ROW, **config).to_record(rows(row)[0])
    assert caught.value.cause is cause
    assert detail in caught.value.detail


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"prompt_template": "{q} {missing}"},
            "lacks the column missing, which DatasetConfig.prompt_template names; it has: q, hint, "
            "a, en, text; correct prompt_template in training_config.yaml, or rename the column",
        ),
        (
            {"response_template": "{missing}"},
            "lacks the column missing, which DatasetConfig.response_template names",
        ),
        (
            {"prompt_template": "{q}", "response_column": "z"},
            "lacks the column z, which DatasetConfig.response_column names",
        ),
        (
            {"prompt_template": "{en.fr}"},
            "lacks fr in the column en, which DatasetConfig.prompt_template names; it has: de",
        ),
        ({"prompt_template": "{q.__class__}"}, "lacks __class__ in the column q"),
        ({"prompt_template": "{q[0]}"}, "lacks the column q[0]"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_unknown_column_is_refused(config: dict[str, Any], expected: str) -> None:
    with pytest.raises(RunError) as caught:
        shape_of(ROW, **config)
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert expected in caught.value.message
