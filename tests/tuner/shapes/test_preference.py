"""Preferences: the model learns what was chosen."""

from typing import Any

import pytest

from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER, record_of, rows, shape_of
from tuner.rows.record import Completion, Conversation, Text
from tuner.rows.row import LossCause, RowFault

CHAT = [USER, ASSISTANT]
PLAIN = Conversation((USER, ASSISTANT))
PAIR = Completion("Hi", "Hello")
BRIEF = Conversation((SYSTEM, USER, ASSISTANT))
DIALOGUE = "\n\nHuman: Hi\n\nAssistant: Hello"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "Hi", "chosen": "Hello", "rejected": "No"}, PAIR),
        ({"question": "Hi", "chosen": "Hello", "rejected": "No"}, PAIR),
        ({"prompt": "Hi", "chosen": "HiHello", "rejected": "HiNo"}, PAIR),
        ({"prompt": "Hi", "chosen": "Hi, Ann", "rejected": "No"}, Completion("Hi", "Hi, Ann")),
        ({"chosen": "Hi Hello", "rejected": "Hi No"}, Text("Hi Hello")),
        ({"prompt": "", "chosen": "Hi Hello", "rejected": "Hi No"}, Text("Hi Hello")),
        ({"prompt": "Hi", "chosen": "Hello", "rejected": "No", "system": "Be brief."}, BRIEF),
        ({"chosen": CHAT, "rejected": CHAT}, PLAIN),
        ({"prompt": "Hi", "chosen": CHAT, "rejected": CHAT}, PLAIN),
        ({"prompt": [USER], "chosen": [ASSISTANT], "rejected": [ASSISTANT]}, PLAIN),
        ({"prompt": "Hi", "chosen": [ASSISTANT], "rejected": [ASSISTANT]}, PLAIN),
        ({"prompt": "Hi", "chosen": ASSISTANT, "rejected": ASSISTANT}, PLAIN),
        ({"prompt": [USER], "chosen": "Hello", "rejected": "No"}, PLAIN),
        ({"prompt": [SYSTEM, USER], "chosen": [ASSISTANT], "rejected": [ASSISTANT]}, BRIEF),
        ({"chosen": str(CHAT), "rejected": str(CHAT)}, PLAIN),
        (
            {"prompt": [USER], "chosen": [ASSISTANT, *CHAT], "rejected": [ASSISTANT]},
            Conversation((USER, ASSISTANT, *CHAT), untrained=frozenset({1})),
        ),
        (
            {"prompt": "Hi", "chosen": [ASSISTANT, *CHAT], "rejected": [ASSISTANT, *CHAT]},
            Conversation((ASSISTANT, *CHAT), untrained=frozenset({0})),
        ),
        ({"chosen": DIALOGUE, "rejected": DIALOGUE}, PLAIN),
        ({"chosen": "Human: Hi\n\nAssistant: Hello", "rejected": ""}, PLAIN),
        (
            {"prompt": "\n\nHuman: Hi\n\nAssistant:", "chosen": " Hello", "rejected": " No"},
            PLAIN,
        ),
        (
            {"prompt": "Hi", "chosen": "Human: a word", "rejected": ""},
            Completion("Hi", "Human: a word"),
        ),
        (
            {
                "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
                "preferred_output": [ASSISTANT],
                "non_preferred_output": [ASSISTANT],
            },
            PLAIN,
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_chosen_is_learned(row: dict[str, Any], expected: Any) -> None:
    assert record_of(row) == expected


@pytest.mark.parametrize(
    "row",
    [
        {"chosen": [*CHAT, *CHAT], "rejected": CHAT},
        {"prompt": [*CHAT, USER], "chosen": [ASSISTANT], "rejected": CHAT},
        {"chosen": DIALOGUE + DIALOGUE, "rejected": DIALOGUE},
        {"input": {"messages": [*CHAT, USER]}, "preferred_output": [ASSISTANT]},
    ],
    ids=lambda value: str(value)[:70],
)
def test_only_the_last_turn_is_preferred(row: dict[str, Any]) -> None:
    assert record_of(row) == Conversation((*CHAT, *CHAT), (), frozenset({1}))


@pytest.mark.parametrize(
    ("row", "cause", "detail"),
    [
        ({"prompt": "Hi", "chosen": None}, LossCause.EMPTY, "column chosen is null"),
        ({"prompt": "Hi", "chosen": ""}, LossCause.EMPTY, "column chosen is ''"),
        ({"prompt": "Hi", "chosen": []}, LossCause.EMPTY, "column chosen is []"),
        ({"prompt": None, "chosen": [ASSISTANT]}, LossCause.EMPTY, "column prompt is null"),
        ({"prompt": None, "chosen": "Hello"}, LossCause.EMPTY, "column prompt is null"),
        ({"prompt": " ", "chosen": "Hello"}, LossCause.EMPTY, "column prompt is ' '"),
        ({"prompt": "Hi", "chosen": 5j}, LossCause.MALFORMED, "column chosen is 5j"),
        ({"prompt": "Hi", "chosen": [USER]}, LossCause.NO_ANSWER, "has no message of role"),
        (
            {"prompt": "", "chosen": "\n\nHuman: Hi\n\nAssistant: "},
            LossCause.EMPTY,
            "column chosen, turn 2.content is ''",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_fault_names_the_column(row: dict[str, Any], cause: LossCause, detail: str) -> None:
    shape = shape_of({"prompt": "Hi", "chosen": "Hello", "rejected": "No"})
    with pytest.raises(RowFault) as caught:
        shape.to_record(rows(row)[0])
    assert caught.value.cause is cause
    assert detail in caught.value.detail


def test_answer_after_a_repeated_prompt_must_hold_text() -> None:
    shape = shape_of({"prompt": "Hi", "chosen": "Hi Ann", "rejected": "Hi Bob"})
    with pytest.raises(RowFault) as caught:
        shape.to_record(rows({"prompt": "Hello", "chosen": "Hello ", "rejected": ""})[0])
    assert caught.value.cause is LossCause.EMPTY
    assert "what follows the prompt in column chosen is ' '" in caught.value.detail


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ({"input": "Hi", "preferred_output": [ASSISTANT]}, "column input is 'Hi'; it must be JSON"),
        ({"input": [USER], "preferred_output": [ASSISTANT]}, "it must be an object with messages"),
        ({"input": {}, "preferred_output": [ASSISTANT]}, "column input.messages is null"),
        ({"input": {"messages": [USER]}, "preferred_output": []}, "column preferred_output is []"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_fault_of_openai_preferences(row: dict[str, Any], detail: str) -> None:
    with pytest.raises(RowFault) as caught:
        record_of(row)
    assert detail in caught.value.detail
