"""Parquet and Arrow: plain values of every type, and damaged files."""

import io
import json
import struct
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tuner.formats.conftest import Read, Refusal, Values
from tests.tuner.formats.written import arrow_file, arrow_stream, parquet

ROWS = [{"prompt": f"p {number}", "completion": "c" * 50} for number in range(300)]


def _parquet_of(*columns: pa.Array, names: list[str] | None = None) -> bytes:
    sink = io.BytesIO()
    names = names or [f"c{index}" for index in range(len(columns))]
    pq.write_table(pa.table(list(columns), names=names), sink)
    return sink.getvalue()


UTC = timezone(timedelta(0))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array(["a", None, ""]), ["a", None, ""]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", "b", "a", None]).dictionary_encode(), ["a", "b", "a", None]),
        (pa.array([1, None], pa.uint64()), [1, None]),
        (pa.array([True, False]), [True, False]),
        (pa.array([1.5, float("nan"), None]), [1.5, None, None]),
        (pa.array([1.5], pa.float32()), [1.5]),
        (pa.nulls(2), [None, None]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([date(2024, 1, 2)]), ["2024-01-02"]),
        (pa.array([time(3, 4, 5)]), ["03:04:05"]),
        (pa.array([timedelta(seconds=90)]), [90.0]),
        (pa.array([1704164645], pa.timestamp("s")), ["2024-01-02T03:04:05"]),
        (
            pa.array([datetime(2024, 1, 2, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
            ["2024-01-02T00:00:00+00:00"],
        ),
        (
            pa.array([1704164645123456789], pa.timestamp("ns")),
            ["2024-01-02T03:04:05.123456789"],
        ),
        (pa.array([b"a\xc3\xa4", None]), ["aä", None]),
        (pa.array([b"ab"], pa.binary(2)), ["ab"]),
        (pa.array([[1, 2], [], None]), [[1, 2], [], None]),
        (pa.array([[1, 2]], pa.list_(pa.int64(), 2)), [[1, 2]]),
        (pa.array([[["a"]]], pa.large_list(pa.list_(pa.string()))), [[["a"]]]),
        (
            pa.array([[{"role": "user", "content": "hi", "tool_calls": None}]]),
            [[{"role": "user", "content": "hi", "tool_calls": None}]],
        ),
        (pa.array([{"a": {"b": [date(2024, 1, 2)]}}]), [{"a": {"b": ["2024-01-02"]}}]),
        (
            pa.array([[("k", 1), ("l", None)], []], pa.map_(pa.string(), pa.int64())),
            [{"k": 1, "l": None}, {}],
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
def test_values_are_plain_and_can_be_written_as_json(
    name: str, array: pa.Array, expected: list[Any], values: Values
) -> None:
    if name == "x.parquet":
        content = _parquet_of(array)
    else:
        table = pa.table([array], names=["c0"])
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        content = sink.getvalue()
    rows = values(name, content)
    assert [row["c0"] for row in rows] == expected
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_column_of_bytes_that_are_not_text_is_left_out_with_a_warning(
    values: Values, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = pa.array([{"bytes": b"\x89PNG\xff", "path": "a"}] * 300)
    rows = values(
        "x.parquet", _parquet_of(pictures, pa.array(["a"] * 300), names=["image", "text"])
    )
    assert rows == [{"image": None, "text": "a"}] * 300
    assert caplog.messages == [
        "data file x.parquet (967 bytes, from https://data.example/x.parquet): column image holds "
        "bytes that are not text; ignored"
    ]


def test_number_of_a_row_counts_over_batches_and_row_groups(read: Read) -> None:
    for content in (parquet(ROWS), arrow_file(ROWS), arrow_stream(ROWS)):
        rows = read("x", content)
        assert [row.number for row in rows] == list(range(1, 301))
        assert rows[299].values == ROWS[299]


@pytest.mark.parametrize("write", [parquet, arrow_file, arrow_stream])
def test_table_without_rows_has_none(write: Any, values: Values) -> None:
    table = pa.table({"text": pa.array([], pa.string())})
    sink = io.BytesIO()
    if write is parquet:
        pq.write_table(table, sink)
    else:
        new = pa.ipc.new_file if write is arrow_file else pa.ipc.new_stream
        with new(sink, table.schema) as writer:
            writer.write_table(table)
    assert values("x", sink.getvalue()) == []


WITHOUT_END = (
    "are there, and the rest, with the schema, is missing; the download or the copy was cut off; "
    "compare its size with that of the original, and provide it again"
)
AGAIN = "write it again, or compare its size and digest with those of the original"
PARQUET = parquet(ROWS)


@pytest.mark.parametrize("name", ["x.parquet", "x.jsonl", "x"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (PARQUET[:-100], f"is a parquet file without its end: 3.2 KiB {WITHOUT_END}"),
        (b"PAR1", f"is a parquet file without its end: 4 bytes {WITHOUT_END}"),
        (b"PAR1 and no more", f"is a parquet file without its end: 16 bytes {WITHOUT_END}"),
        (
            PARQUET[:100] + b"\xff" * 100 + PARQUET[200:],
            f"is a damaged parquet file: Corrupt snappy compressed data; {AGAIN}",
        ),
        (
            PARQUET[:-8] + b"\xff\xff\xff\x7fPAR1",
            "is a damaged parquet file: Parquet file size is",
        ),
        (arrow_file(ROWS)[:-100], f"is an Arrow file without its end: 19.6 KiB {WITHOUT_END}"),
        (b"ARROW1\0\0 and no more", f"is an Arrow file without its end: 20 bytes {WITHOUT_END}"),
        (
            arrow_stream(ROWS)[:-700],
            "is a damaged Arrow stream: Expected to be able to read",
        ),
        (b"\xff\xff\xff\xff\xff", "is a damaged Arrow stream: "),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_damaged_file_is_refused_whatever_its_suffix_says(
    name: str, content: bytes, problem: str, refusal: Refusal
) -> None:
    assert f") {problem}" in refusal(name, content)


def test_changed_byte_is_found_by_its_checksum(refusal: Refusal) -> None:
    sink = io.BytesIO()
    table = pa.Table.from_pylist([{"text": "some text"}])
    pq.write_table(
        table,
        sink,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        write_page_checksum=True,
    )
    content = sink.getvalue().replace(b"some text", b"some test", 1)
    assert "is a damaged parquet file: could not verify page integrity" in (
        refusal("x.parquet", content)
    )


def test_offset_beyond_the_end_does_not_crash_the_process(refusal: Refusal) -> None:
    intact = arrow_stream([{"text": "abc"}, {"text": "def"}])
    offsets, beyond = (struct.pack("<3i", 0, 3, end) for end in (6, 2**30))
    assert offsets in intact
    message = refusal("x.arrow", intact.replace(offsets, beyond))
    assert "is a damaged Arrow stream: " in message
    assert message.endswith(AGAIN)


def test_text_that_is_not_utf_8_is_damage(refusal: Refusal) -> None:
    content = parquet([{"text": "café"}]).replace("é".encode(), b"\xe9\xe9")
    assert "has a value in column text (Arrow type string) that cannot be read: " in (
        refusal("x.parquet", content)
    )


def test_columns_of_one_name_are_refused(refusal: Refusal) -> None:
    content = _parquet_of(pa.array([1]), pa.array([2]), names=["a", "a"])
    assert refusal("x.parquet", content).endswith(
        "bytes) has several columns of the name a; rename all but one"
    )


def test_value_that_python_cannot_express_is_refused_with_its_column(refusal: Refusal) -> None:
    days = pa.array([2**30], pa.date32())
    message = refusal("x.parquet", _parquet_of(days, names=["day"]))
    assert "has a value in column day (Arrow type date32[day]) that cannot be read: " in message
    assert message.endswith("; leave the column out, or write it as text")
