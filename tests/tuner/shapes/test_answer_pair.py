"""Pairs of answers: the model learns to prefer what was chosen to what was rejected."""

from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER, record_of, rows, shape_of
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.rows.record import Completion, Conversation, Preference, Text
from tuner.rows.row import LossCause, RowFault
from tuner.shapes.detection import find_shape

WORSE = {"role": "assistant", "content": "No"}
TOOL = {"type": "function", "function": {"name": "now", "parameters": {}}}
CHATS = Preference(Conversation((USER, ASSISTANT)), Conversation((USER, WORSE)))
PAIRS = Preference(Completion("Hi", "Hello"), Completion("Hi", "No"))
BRIEF = Preference(Conversation((SYSTEM, USER, ASSISTANT)), Conversation((SYSTEM, USER, WORSE)))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "Hi", "chosen": "Hello", "rejected": "No"}, PAIRS),
        ({"question": "Hi", "chosen": "Hello", "rejected": "No"}, PAIRS),
        ({"prompt": "Hi", "chosen": "HiHello", "rejected": "HiNo"}, PAIRS),
        ({"prompt": [USER], "chosen": [ASSISTANT], "rejected": [WORSE]}, CHATS),
        ({"chosen": [USER, ASSISTANT], "rejected": [USER, WORSE]}, CHATS),
        ({"prompt": "Hi", "chosen": [USER, ASSISTANT], "rejected": [USER, WORSE]}, CHATS),
        ({"prompt": "Hi", "chosen": "Hello", "rejected": "No", "system": "Be brief."}, BRIEF),
        (
            {"chosen": "Hi there", "rejected": "Hi you"},
            Preference(Text("Hi there"), Text("Hi you")),
        ),
        (
            {
                "chosen": "\n\nHuman: Hi\n\nAssistant: Hello",
                "rejected": "\n\nHuman: Hi\n\nAssistant: No",
            },
            CHATS,
        ),
        (
            {
                "input": {"messages": [USER]},
                "preferred_output": [ASSISTANT],
                "non_preferred_output": [WORSE],
            },
            CHATS,
        ),
        # The user goes on after the first answer.
        (
            {
                "prompt": [USER],
                "chosen": [ASSISTANT, USER, ASSISTANT],
                "rejected": [WORSE, USER, ASSISTANT],
            },
            Preference(
                Conversation((USER, ASSISTANT, USER, ASSISTANT), untrained=frozenset({1})),
                Conversation((USER, WORSE, USER, ASSISTANT), untrained=frozenset({1})),
            ),
        ),
        # Only the prompt has the system message.
        (
            {"prompt": [SYSTEM, USER], "chosen": [USER, ASSISTANT], "rejected": [USER, WORSE]},
            BRIEF,
        ),
        (
            {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [WORSE], "tools": [TOOL]},
            Preference(
                Conversation((USER, ASSISTANT), (TOOL,)), Conversation((USER, WORSE), (TOOL,))
            ),
        ),
        # As ultrafeedback_binarized: what else the row could be read as does not matter.
        (
            {
                "prompt": "Hi",
                "messages": [USER, ASSISTANT],
                "chosen": [USER, ASSISTANT],
                "rejected": [USER, WORSE],
                "score_chosen": 8.5,
            },
            CHATS,
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_both_answers_are_read(row: dict[str, Any], expected: Preference) -> None:
    assert record_of(row, preferences=True) == expected


@pytest.mark.parametrize(
    ("row", "cause", "detail"),
    [
        (
            {"prompt": "Hi", "chosen": "Hello", "rejected": "Hello"},
            LossCause.SAME_ANSWERS,
            "columns chosen and rejected do not differ, so there is nothing to prefer",
        ),
        ({"prompt": "Hi", "chosen": "Hello", "rejected": " "}, LossCause.EMPTY, "column rejected"),
        ({"prompt": "Hi", "chosen": None, "rejected": "No"}, LossCause.EMPTY, "column chosen"),
        (
            {"prompt": "Hi", "chosen": "Hello", "rejected": [WORSE]},
            LossCause.MALFORMED,
            "one of the columns chosen and rejected has messages, and the other a text; use the",
        ),
        (
            {"chosen": [USER, ASSISTANT], "rejected": [USER]},
            LossCause.NO_ANSWER,
            "column rejected has no message of role assistant",
        ),
        (
            {"prompt": "Hi", "chosen": "Hello", "rejected": "\ud83d"},
            LossCause.MALFORMED,
            "which is half of a character",
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_a_pair_that_cannot_be_used_is_named(
    row: dict[str, Any], cause: LossCause, detail: str
) -> None:
    good = {**row, "chosen": "Hello", "rejected": "No"}
    if "prompt" not in row:
        good = {"chosen": [USER, ASSISTANT], "rejected": [USER, WORSE]}
    shape = shape_of(good, row, preferences=True)
    with pytest.raises(RowFault) as caught:
        shape.to_record(rows(row)[0])
    assert caught.value.cause is cause
    assert detail in caught.value.detail


def test_the_choice_names_the_columns_of_both_answers() -> None:
    row = {"prompt": "Hi", "chosen": "Hello", "rejected": "No", "messages": [USER, ASSISTANT]}
    shape = find_shape("data.jsonl", rows(row), DatasetConfig(preferences=True))
    assert shape.columns == ("prompt", "chosen", "rejected")
    assert shape.choice == (
        "data file data.jsonl is read as preference (prompt, chosen, rejected); not read: messages"
    )


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [USER, ASSISTANT]},
        {"prompt": "Hi", "chosen": "Hello"},
        {"input": {"messages": [USER]}, "preferred_output": [ASSISTANT]},
    ],
    ids=lambda row: ", ".join(row),
)
def test_a_file_without_pairs_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="dpo learns from pairs of answers") as caught:
        find_shape("data.jsonl", rows(row), DatasetConfig(preferences=True))
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert f"it has: {', '.join(row)}; " in caught.value.message
