"""JSON documents: an array, objects one after the other, rows within an object."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tuner.formats.conftest import Read, Refusal, Values
from tuner.errors import RunError
from tuner.formats.reader import read_rows

A, B = {"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}
REMEDY = "correct it, or write one JSON object per line"


@pytest.mark.parametrize(
    "document",
    [
        [A, B],
        {"data": [A, B]},
        {"train": [A, B]},
        {"version": "1.0", "meta": {"a": [1]}, "rows": [A, B], "count": 2},
        {"train": [A, B], "test": [B], "validation": [B], "dev": []},
        {"test": [B], "train": [A, B]},
        {"prompt": ["a", "c"], "completion": ["b", "d"]},
        {"train": {"prompt": ["a", "c"], "completion": ["b", "d"]}},
        {"prompt": {"0": "a", "1": "c"}, "completion": {"0": "b", "1": "d"}},
        {"train": {"prompt": {"0": "a", "1": "c"}, "completion": {"0": "b", "1": "d"}}},
        {"train": {"0": A, "1": B}},
        {"0": A, "1": B},
        {"id-x": A, "id-y": B},
        {
            "features": [{"name": "prompt"}],
            "rows": [{"row_idx": 0, "row": A}, {"row_idx": 1, "row": B}],
        },
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x"])
@pytest.mark.parametrize("indent", [None, 1])
def test_rows_are_found_within_a_document(
    document: Any, name: str, indent: int | None, read: Read
) -> None:
    rows = read(name, json.dumps(document, indent=indent).encode())
    assert [(row.number, row.values) for row in rows] == [(1, A), (2, B)]


@pytest.mark.parametrize(
    "row",
    [
        A,
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"thread": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
        {"prompt": "a", "tools": [{"type": "function"}], "completion": "b"},
        {"prompt": [{"role": "user", "content": "a"}], "completion": []},
        {"text": "a", "tags": ["x", "y"], "meta": {"n": 1}},
    ],
    ids=json.dumps,
)
def test_single_object_that_is_a_row_is_one(row: Any, values: Values) -> None:
    assert values("x.json", json.dumps(row, indent=1).encode()) == [row]
    assert values("x.json", json.dumps(row).encode()) == [row]


@pytest.mark.parametrize("separator", ["", " ", "\n", "\r", "\r\n\r\n"])
@pytest.mark.parametrize("indent", [None, 2])
def test_objects_one_after_the_other_are_rows(
    separator: str, indent: int | None, values: Values
) -> None:
    content = separator.join(json.dumps(row, indent=indent) for row in (A, B, A))
    assert values("x.json", content.encode()) == [A, B, A]


def test_texts_in_an_array_are_rows(values: Values) -> None:
    assert values("x.json", b'["one", "two"]') == [{"text": "one"}, {"text": "two"}]


@pytest.mark.parametrize("content", ["[]", "[ ]", "\ufeff[]\n"])
def test_empty_array_has_no_rows(content: str, values: Values) -> None:
    assert values("x.json", content.encode()) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_byte_order_mark_and_wide_letters_are_read(encoding: str, values: Values) -> None:
    row = {"text": "größer 日本 😀"}
    assert values("x.json", json.dumps([row], ensure_ascii=False).encode(encoding)) == [row]
    lines = json.dumps(row, ensure_ascii=False) + "\n"
    assert values("x.jsonl", (lines * 2).encode(encoding)) == [row] * 2


@pytest.mark.parametrize("padding", [0, 1, 2, 3, 5, 8, 13, 21, 34])
def test_values_are_whole_where_one_chunk_ends_and_the_next_begins(
    padding: int, monkeypatch: pytest.MonkeyPatch, values: Values
) -> None:
    monkeypatch.setattr("tuner.formats.text_stream.CHUNK_BYTES", 16)
    rows = [
        {"a": 123456789, "b": -1.5e-7, "c": True, "d": None, "e": 'x"\\/\u20ac\U0001f600', "f": {}},
        {"a": float(10), "b": [], "c": [[1, 2], {"d": "y" * padding}]},
    ]
    document = json.dumps(rows, indent=padding or None)
    assert values("x.json", document.encode()) == rows
    assert values("x.json", json.dumps({"n": 12345, "rows": rows}).encode()) == rows
    assert values("x.json", "".join(map(json.dumps, rows)).encode()) == rows


def test_large_object_that_holds_the_rows_is_streamed(
    monkeypatch: pytest.MonkeyPatch, values: Values
) -> None:
    monkeypatch.setattr("tuner.formats.json_rows.LONGEST_OBJECT", 1_000)
    monkeypatch.setattr("tuner.formats.text_stream.CHUNK_BYTES", 100)
    rows = [A, B] * 1_500
    document = {"v": 1, "errors": [], "tags": ["a"], "test": [B] * 50, "data": rows, "end": [1]}
    assert values("x.json", json.dumps(document).encode()) == rows


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b'[{"a": 1},\n {"a": "x\n}]',
            "line 2, column 10: a line end or another control character is within a text, near "
            r"""'{"a": "x\n}]'""",
        ),
        (b'[{"a": 1},\n {"a": ', "line 2, column 8: expecting value, where the file ends"),
        (b'[{"a": 1},\n {"a": 2}', "line 2, column 10: expecting ',' or ']', where the file ends"),
        (
            b'[{"a": 1}]\nxyz',
            "line 2, column 1: there is something after the value, near 'xyz'",
        ),
        (b'[{"a": 1},\n]', "line 2, column 1: a comma comes before ']', near ']'"),
        (b'[{"a": 1} {"a": 2}]', """line 1, column 11: expecting ',' or ']', near '[{"a": 1} {"""),
        (
            b"[{'a': 1}]",
            "line 1, column 3: expecting property name enclosed in double quotes, near "
            "\"{'a': 1}]\"",
        ),
        (b'"text"', """line 1, column 1: expecting '[' or '{', near '"text"'"""),
        (b"text = 1", "line 1, column 1: expecting '[' or '{', near 'text = 1'"),
        (
            b'{"data": [{"a": 1}, {"a": 2]}',
            "line 1, column 28: expecting ',' delimiter, near",
        ),
    ],
    ids=str,
)
def test_broken_document_is_named_by_line_and_column(
    content: bytes, problem: str, refusal: Refusal
) -> None:
    message = refusal("x.json", content)
    assert f"bytes) is not JSON at {problem}" in message
    assert message.endswith(f"; {REMEDY}")


def test_line_and_column_are_right_far_into_a_file(refusal: Refusal) -> None:
    rows = ",\n".join(json.dumps({"text": "x" * 100}) for _ in range(29_999))
    content = f'[{rows},\n {{"text" "y"}}]'.encode()
    assert "is not JSON at line 30000, column 10: expecting ':' delimiter, near" in (
        refusal("x.json", content)
    )


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            [A, 5],
            'has at row 2 not an object but 5; write each row as an object: {"column": value}',
        ),
        (
            {"input": ["a", "b"], "meta": [{"n": 1}, {"n": 2}]},
            "holds two lists of 2, 'meta' and 'input', which may be rows and a list beside them, "
            "or columns; write each row as an object of its own",
        ),
        (
            {"train": [A], "more": [B]},
            "holds several lists of rows, 'train' and 'more'; keep one of them, or write each into "
            "a file of its own",
        ),
    ],
)
def test_document_without_clear_rows_is_refused(
    document: Any, problem: str, refusal: Refusal
) -> None:
    assert refusal("x.json", json.dumps(document).encode()).endswith(f"bytes) {problem}")


def test_large_object_of_columns_is_refused(
    monkeypatch: pytest.MonkeyPatch, refusal: Refusal
) -> None:
    monkeypatch.setattr("tuner.formats.json_rows.LONGEST_OBJECT", 1_000)
    monkeypatch.setattr("tuner.formats.text_stream.CHUNK_BYTES", 100)
    assert refusal("x.json", json.dumps({"input": ["a"] * 2_000}).encode()).endswith(
        "is one large JSON object with a list, 'input', that is not a list of rows; write one "
        "JSON object per line, for each row"
    )


def test_value_without_end_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch, refusal: Refusal
) -> None:
    monkeypatch.setattr("tuner.formats.json_text.MAX_ROW_CHARS", 2_000_000)
    assert refusal("x.json", b'[{"a": 1},\n{"a": "' + b"x" * 5_000_000).endswith(
        "(4.8 MiB) has a value of more than 2,000,000 characters that starts at line 2, column 1; "
        "write one JSON object per line, for each row"
    )


def test_value_that_is_too_long_is_refused_even_if_it_is_in_memory(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.formats.json_text.MAX_ROW_CHARS", 100)
    message = refusal("x.json", json.dumps([{"text": "x" * 150}]).encode())
    assert "has a value of more than 100 characters that starts at line 1, column 2" in message


def test_rows_left_out_for_evaluation_are_counted_in_the_log(
    values: Values, caplog: pytest.LogCaptureFixture
) -> None:
    assert values("x.json", json.dumps({"train": [A], "test": [B, B]}).encode()) == [A]
    assert "the 2 rows of 'test' are left out" in caplog.text


def test_rows_come_before_the_document_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"[" + b'{"text": "x"},\n' * 300_000 + b"broken")
    rows = read_rows(path, path.name)
    assert [next(rows).number for _ in range(300_000)][-1] == 300_000
    with pytest.raises(RunError, match="line 300001, column 1"):
        next(rows)
