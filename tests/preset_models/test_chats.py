"""The text that the small model learns and the dataset that the demo tunes it with."""

from pathlib import Path

import pyarrow.parquet as pq

from tools.preset_models import chats, dataset
from tools.preset_models.chats import Chat


def test_same_seed_gives_same_text() -> None:
    assert chats.sample(500, 1) == chats.sample(500, 1)
    assert chats.sample(500, 1) != chats.sample(500, 2)


def test_each_question_has_one_answer() -> None:
    kinds = (chats.capitals, chats.sums, chats.terms, chats.opposites, chats.small_talk)
    answers: dict[str, set[str]] = {}
    for chat in (chat for kind in kinds for chat in kind()):
        answers.setdefault(chat.question, set()).add(chat.answer)
    assert {question: texts for question, texts in answers.items() if len(texts) > 1} == {}


def test_sums_are_correct() -> None:
    for chat in chats.sums():
        a, _, b, _, total = chat.answer.rstrip(".").split()
        assert int(a) + int(b) == int(total)


def test_pirate_style_needs_a_system_message() -> None:
    sample = chats.sample(2000, 1)
    instructed = [chat for chat in sample if chat.system]
    assert 0.05 < len(instructed) / len(sample) < 0.2
    assert all(chat.answer.startswith("Arr! ") for chat in instructed)
    assert not any("Arr!" in chat.answer for chat in sample if not chat.system)


def test_chat_without_a_system_message_has_two_messages() -> None:
    assert Chat("Hi", "Hello").messages() == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]


def test_data_set_does_not_contain_the_demos_question() -> None:
    rows = dataset.rows()
    assert len(rows) == dataset.ROWS
    assert not any(dataset.HELD_OUT in f"{row}" for row in rows)
    assert all(row.answer.startswith("Arr! ") and row.answer.endswith(" Yo ho!") for row in rows)
    assert len({row.question for row in rows}) == dataset.ROWS


def test_parquet_file_has_one_messages_column_and_is_reproducible(tmp_path: Path) -> None:
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    dataset.write(one)
    dataset.write(other)
    assert one.read_bytes() == other.read_bytes()
    table = pq.read_table(one)
    assert table.schema.equals(dataset.SCHEMA)
    assert table.column("messages")[0].as_py() == dataset.rows()[0].messages()
