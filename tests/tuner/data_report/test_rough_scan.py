"""Reading a dataset without a tokenizer."""

from collections.abc import Iterator
from itertools import chain, groupby
from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tuner.data.records import ShapedRow
from tuner.data_report.findings import Findings
from tuner.data_report.rough_scan import record_pieces, scan_roughly
from tuner.layout.layout import Split, SplitFile
from tuner.rows.record import Completion, Conversation, Record, Text
from tuner.rows.row import LossCause, Row
from tuner.shapes.detection import find_shape

ALL = DatasetConfig(train_test_split=1)


def rows(*values: dict[str, Any], file: str = "a.jsonl") -> list[Row]:
    return [Row(file, number, value) for number, value in enumerate(values, 1)]


def pair(prompt: str | None, completion: str | None) -> dict[str, Any]:
    return {"prompt": prompt, "completion": completion}


def shaped(found: list[Row], split: Split = "train") -> Iterator[ShapedRow]:
    """The rows with the shape of their file."""
    for name, members in groupby(found, key=lambda row: row.file):
        sample = list(members)
        shape = find_shape(name, sample, ALL)
        yield from (ShapedRow(SplitFile(name, split), shape, row) for row in sample)


def scanned(found: list[Row], config: DatasetConfig = ALL, **options: Any) -> Findings:
    return scan_roughly(shaped(found), config, **options)


def test_tokens_are_a_quarter_of_the_characters() -> None:
    found = scanned(rows(pair("a" * 30, "b" * 10), pair("a", "b")))
    assert found.lengths == {10: 1, 1: 1}
    assert not found.is_exact
    assert found.learned is None
    assert found.sufficient is None


def test_rows_and_shapes_are_counted_by_file() -> None:
    mixed = [*rows(pair("a", "b")), *rows({"text": "x"}, {"text": "y"}, file="z.zip/b.csv")]
    found = scanned(mixed)
    assert found.rows == {"a.jsonl": 1, "z.zip/b.csv": 2}
    assert list(found.shapes) == ["a.jsonl", "z.zip/b.csv"]
    assert found.losses.rows == 3


def test_lost_rows_are_counted_and_named() -> None:
    found = scanned(rows(pair("a", "b"), pair("a", None), pair("a", "")))
    assert (found.losses.dropped, found.losses.cut) == (2, 0)
    assert [row.number for row in found.losses.first] == [2, 3]
    assert found.train == 1


def test_a_conversation_without_an_answer_is_lost() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    found = scanned(rows({"messages": messages}, {"messages": messages[:1]}))
    assert found.losses.causes == {LossCause.NO_ANSWER: 1}


def test_equal_records_are_duplicates() -> None:
    found = scanned(rows(pair("a", "b"), pair("c", "d"), pair("a", "b"), pair("a", "b")))
    assert found.duplicates == 2


def test_prompt_and_completion_are_kept_apart_in_duplicates() -> None:
    assert scanned(rows(pair("ab", "c"), pair("a", "bc"))).duplicates == 0


@pytest.mark.parametrize(
    ("count", "share", "held_back"), [(10, 0.8, 2), (10, 1.0, 0), (1, 0.5, 0), (3, 0.01, 2)]
)
def test_rows_held_back(count: int, share: float, held_back: int) -> None:
    found = scanned(
        rows(*(pair(f"{n}", "x") for n in range(count))), DatasetConfig(train_test_split=share)
    )
    assert (found.train, found.held_back) == (count - held_back, held_back)


def test_files_for_evaluation_are_held_back_and_nothing_else() -> None:
    training = shaped(rows(pair("a", "b"), pair("c", "d")))
    validation = shaped(rows(pair("e", "f"), file="validation.jsonl"), "validation")
    found = scan_roughly(chain(training, validation), DatasetConfig(train_test_split=0.5))
    assert (found.train, found.held_back) == (2, 1)


def test_first_three_records_are_shown() -> None:
    found = scanned(rows(*(pair(f"p{n}", f"c{n}") for n in range(5))))
    assert [(sample.row, sample.pieces) for sample in found.samples] == [
        (n + 1, ((f"p{n}", False), (f"c{n}", True))) for n in range(3)
    ]


def test_no_rows() -> None:
    found = scanned([])
    assert (found.train, found.losses.rows) == (0, 0)


@pytest.mark.parametrize(
    ("record", "pieces"),
    [
        (Text("x"), [("x", True)]),
        (Completion("p", "c"), [("p", False), ("c", True)]),
        (
            Conversation(({"role": "user", "content": "u"}, {"role": "assistant", "content": "a"})),
            [("user: ", False), ("u\n", False), ("assistant: ", False), ("a\n", True)],
        ),
        (
            Conversation(
                ({"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}),
                untrained=frozenset({1}),
            ),
            [("user: ", False), ("u\n", False), ("assistant: ", False), ("a\n", False)],
        ),
        (
            Conversation(({"role": "assistant", "content": "a"},)),
            [("assistant: ", False), ("a\n", False)],
        ),
        (
            Conversation(
                (
                    {"role": "user", "content": "u"},
                    {"role": "assistant", "content": None, "tool_calls": [{"n": 1}]},
                ),
                ({"t": 1},),
            ),
            [
                ('tools: [{"t": 1}]\n', False),
                ("user: ", False),
                ("u\n", False),
                ("assistant: ", False),
                ('[{"n": 1}]\n', True),
            ],
        ),
    ],
)
def test_pieces_of_a_record(record: Record, pieces: list[tuple[str, bool]]) -> None:
    assert list(record_pieces(record)) == pieces
