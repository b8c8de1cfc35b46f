"""The table of shapes in docs/datasets.md agrees with the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tuner.shapes.rows import record_of, shape_of
from tuner.rows.record import Completion, Conversation, Text
from tuner.shapes.chat.roles import ROLES
from tuner.shapes.chat.system_prompt import SYSTEM_COLUMNS
from tuner.shapes.messages import CONVERSATION_COLUMNS
from tuner.shapes.pairs.pair_columns import CONTEXT_COLUMNS, PAIRS, SUMMARY_COLUMNS

PAGE = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text()
SECTION = PAGE.split("\n## Shapes\n")[1].split("\n## ")[0]
ROWS = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| `(\{.*\})` \|$", SECTION, re.MULTILINE)
LEARNED = {"Hello", "3", "Ann", "B. 3", " blue.", "It rained.", "Once upon a time."}
CALL = {"type": "function", "function": {"name": "now", "arguments": {}}}


def _learned(row: dict[str, Any]) -> Any:
    record = record_of(row)
    match record:
        case Text(text):
            return text
        case Completion(_, completion):
            return completion
        case Conversation(messages):
            return messages[-1]["content"] or messages[-1]["tool_calls"]


def test_there_are_at_least_fifteen_shapes() -> None:
    assert len({name for name, _ in ROWS}) >= 15


@pytest.mark.parametrize(("name", "example"), ROWS)
def test_example_has_the_shape_and_teaches_the_answer(name: str, example: str) -> None:
    row = json.loads(example)
    assert shape_of(row).name == name
    learned = _learned(row)
    assert learned == [CALL] if isinstance(learned, list) else learned in LEARNED


@pytest.mark.parametrize(
    "name",
    [
        *(name for pair in PAIRS for name in pair),
        *CONTEXT_COLUMNS,
        *CONVERSATION_COLUMNS,
        *SYSTEM_COLUMNS,
        *(name for pair in SUMMARY_COLUMNS for name in pair),
        *("system", "developer", "user", "human", "prompter", "customer", "observation"),
    ],
)
def test_name_is_documented(name: str) -> None:
    assert f"`{name}`" in SECTION


def test_documented_roles_are_known() -> None:
    sentence = SECTION.split("Known roles are ")[1].split("; and `function_call`")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) <= ROLES.keys()
