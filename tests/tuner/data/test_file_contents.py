"""Reading data files of every format, intact and broken."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from tuner.data.file_contents import read_contents
from tuner.errors import RunError
from tuner.reasons import Reason

ROWS = [{"text": f"row {number}", "extra": number} for number in range(250)]


def _write(path: Path, written_as: str) -> Path:
    table = pa.Table.from_pylist(ROWS)
    if written_as == "parquet":
        pq.write_table(table, path)
    elif written_as == "arrow file":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    elif written_as == "arrow stream":
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table)
    elif written_as == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    elif written_as == "json":
        path.write_text(json.dumps(ROWS, indent=1))
    else:
        lines = [f"{row['text']},{row['extra']}" for row in ROWS]
        path.write_text("\n".join(["text,extra", *lines]))
    return path


@pytest.mark.parametrize(
    ("name", "written_as"),
    [
        ("x.parquet", "parquet"),
        ("x.PARQUET", "parquet"),
        ("x", "parquet"),
        ("x.arrow", "arrow file"),
        ("x.arrow", "arrow stream"),
        ("x.jsonl", "jsonl"),
        ("x.json", "jsonl"),
        ("x.json", "json"),
        ("download", "jsonl"),
        ("x.csv", "csv"),
    ],
)
def test_columns_rows_and_sample_are_read(name: str, written_as: str, tmp_path: Path) -> None:
    contents = read_contents(_write(tmp_path / name, written_as))
    assert contents.columns == ("text", "extra")
    assert contents.rows == 250
    assert len(contents.sample) == 100
    assert contents.sample[3]["text"] == "row 3"
    assert contents.format == {"arrow file": "arrow", "arrow stream": "arrow", "jsonl": "json"}.get(
        written_as, written_as
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.parquet", b"<!DOCTYPE html><html>"),
        ("x.parquet", b""),
        ("x.parquet", b"PAR1 and nothing more"),
        ("x.arrow", b"ARROW1 and nothing more"),
        ("x", b"hello"),
        ("x.jsonl", b'{"a": 1}\n{"a": '),
        ("x.json", b"[1, 2]"),
        ("x.json", b'"text"'),
        ("x.csv", b"a,b\n\xff\xfe\n"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_broken_file_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        read_contents(path)
    assert caught.value.reason is Reason.DATA_UNREADABLE
    assert f"data file {name} is not a readable parquet file" in caught.value.message


def test_empty_table_has_no_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"messages": pa.array([], pa.string())}), tmp_path / "x.parquet")
    assert read_contents(tmp_path / "x.parquet").rows == 0
