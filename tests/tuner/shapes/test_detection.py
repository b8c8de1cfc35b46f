"""Which shape the rows of a file have."""

from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.shapes.rows import ASSISTANT, USER, rows, shape_of
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.shapes.detection import find_shape

CHAT = [USER, ASSISTANT]
TURNS = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]


@pytest.mark.parametrize(
    ("row", "config", "name", "columns"),
    [
        ({"id": 1, "messages": CHAT}, {}, "messages", ("messages",)),
        ({"messages": CHAT, "text": "x"}, {}, "messages", ("messages",)),
        ({"Messages ": CHAT}, {}, "messages", ("Messages ",)),
        ({"messages": CHAT, "tools": []}, {}, "messages", ("messages", "tools")),
        ({"conversations": TURNS}, {}, "sharegpt", ("conversations",)),
        ({"conversation": CHAT}, {}, "messages", ("conversation",)),
        ({"thread": CHAT, "id": 1}, {}, "messages", ("thread",)),
        ({"prompt": "a", "completion": "b"}, {}, "prompt-completion", ("prompt", "completion")),
        ({"Prompt ": "a", " COMPLETION": "b"}, {}, "prompt-completion", ("Prompt ", " COMPLETION")),
        (
            {"prompt": [USER], "completion": [ASSISTANT]},
            {},
            "conversational prompt-completion",
            ("prompt", "completion"),
        ),
        ({"instruction": "a", "input": "", "output": "b"}, {}, "alpaca", None),
        ({"instruction": "a", "output": "b", "text": "c"}, {}, "alpaca", ("instruction", "output")),
        ({"instruction": "a", "context": "", "response": "b"}, {}, "dolly", None),
        ({"question": "a", "answer": "b"}, {}, "question-answer", ("question", "answer")),
        ({"dialogue": "a", "summary": "b"}, {}, "dialogue-summary", ("dialogue", "summary")),
        ({"text": "a"}, {}, "text", ("text",)),
        ({"content": "a", "url": "b"}, {}, "text", ("content",)),
        ({"chat": CHAT}, {"messages_column": "chat"}, "messages", ("chat",)),
        (
            {"q": "a", "a": "b"},
            {"context_column": "q", "response_column": "a"},
            "prompt-completion",
            ("q", "a"),
        ),
        ({"body": "a", "messages": CHAT}, {"response_column": "body"}, "text", ("body",)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_shape_is_found(
    row: dict[str, Any], config: dict[str, Any], name: str, columns: tuple[str, ...] | None
) -> None:
    shape = shape_of(row, **config)
    assert shape.name == name
    assert shape.columns == (columns if columns is not None else tuple(row))


@pytest.mark.parametrize(
    ("row", "config", "expected"),
    [
        ({"a": "b", "c": "d"}, {}, "it has: a, c; rename a column, or name yours in DatasetConfig"),
        ({"prompt": "a"}, {}, "such as messages, or prompt and completion, or text"),
        ({"a": "b"}, {"messages_column": "chat"}, "lacks the column chat, which DatasetConfig."),
        (
            {"q": "b"},
            {"context_column": "q"},
            "lacks the column text, the default of DatasetConfig.response_column; it has: q; set",
        ),
        ({"q": "b"}, {"response_column": "z"}, "it has: q; correct response_column"),
        (
            {"q": "b", "text": "c"},
            {"prompt_template": "{q} {z}"},
            "lacks the column z, which DatasetConfig.prompt_template names; it has: q, text",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_missing_column_is_named(
    row: dict[str, Any], config: dict[str, Any], expected: str
) -> None:
    with pytest.raises(RunError) as caught:
        shape_of(row, **config)
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert "data.jsonl" in caught.value.message
    assert expected in caught.value.message


def test_file_without_rows_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        find_shape("x.parquet", rows(), DatasetConfig())
    assert caught.value.reason is Reason.DATA_EMPTY


@pytest.mark.parametrize(
    ("row", "config", "choice"),
    [
        ({"text": "a"}, {}, "data file data.jsonl is read as text (text)"),
        (
            {"messages": CHAT, "question": "a", "answer": "b", "text": "c"},
            {},
            "data file data.jsonl is read as messages (messages); it could also be "
            "question-answer (question, answer) or text (text): to choose, set "
            "messages_column, or context_column and response_column, of DatasetConfig; not "
            "read: question, answer, text",
        ),
        (
            {"instruction": "a", "input": "b", "output": "c", "id": 1},
            {},
            "data file data.jsonl is read as alpaca (instruction, input, output); not read: id",
        ),
        (
            {" Question": "a", "ANSWER": "b"},
            {},
            "data file data.jsonl is read as question-answer ( Question, ANSWER)",
        ),
        (
            {"text": "a", "label": 1},
            {"system_prompt": "Be brief."},
            "data file data.jsonl is read as text (text); not read: label; "
            "DatasetConfig.system_prompt has no effect on text",
        ),
        (
            {"translation": {"en": "a", "de": "b"}},
            {"prompt_template": "{translation.en}", "response_template": "{translation.de}"},
            "data file data.jsonl is read as template (translation.en, translation.de)",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_choice_is_described(row: dict[str, Any], config: dict[str, Any], choice: str) -> None:
    assert find_shape("data.jsonl", rows(row), DatasetConfig(**config)).choice == choice


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"translation": {"de": "Hallo", "en": "Hello"}},
            "data file data.jsonl holds translations (column translation: de, en), and nothing "
            "says which way to translate; set prompt_template to '{translation.de}' and "
            "response_template to '{translation.en}' in DatasetConfig, or the other way round",
        ),
        (
            {"message_id": "1", "parent_id": None, "text": "Hi", "role": "prompter"},
            "for oasst1 and oasst2 the one that ends in trees.jsonl.gz",
        ),
        (
            {"conversation_id": 7, "Role": "User", "content": "Hi"},
            "data file data.jsonl holds single messages (columns Role, content), of which no row "
            "is a conversation; write each conversation as a row with a column messages: "
            '{"messages": [{"role": "user", "content": ...}, {"role": "assistant", "content": '
            "...}]}; to learn each row as a text, set response_template to '{content}' in "
            "DatasetConfig",
        ),
        (
            {"dialogue_id": 7, "speaker": "agent", "text": "Hello"},
            "holds single messages (columns speaker, text)",
        ),
    ],
    ids=["translation", "messages of trees", "messages with a role", "messages with a speaker"],
)
def test_rows_that_teach_nothing_by_themselves_are_refused(
    row: dict[str, Any], expected: str
) -> None:
    with pytest.raises(RunError) as caught:
        shape_of(row)
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert expected in caught.value.message


def test_text_beside_a_role_of_another_kind_is_text() -> None:
    assert shape_of({"role": "engineer", "text": "a"}).name == "text"
    assert shape_of({"role": "user", "text": "a"}, response_template="{text}").name == "template"
