"""Writes rows in each format and compression, for the tests."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

Rows = Sequence[Mapping[str, Any]]


def parquet(rows: Rows) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink, row_group_size=100)
    return sink.getvalue()


def arrow_file(rows: Rows) -> bytes:
    table = pa.Table.from_pylist(list(rows))
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    return sink.getvalue()


def arrow_stream(rows: Rows) -> bytes:
    table = pa.Table.from_pylist(list(rows))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    return sink.getvalue()


def json_lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def json_array(rows: Rows) -> bytes:
    return json.dumps(rows, indent=1).encode()


def json_one_line(rows: Rows) -> bytes:
    return json.dumps(rows).encode()


def json_nested(rows: Rows) -> bytes:
    return json.dumps({"version": "1.0", "data": rows, "test": rows[:3]}).encode()


def json_pretty_objects(rows: Rows) -> bytes:
    return "\n".join(json.dumps(row, indent=2) for row in rows).encode()


def json_columns(rows: Rows) -> bytes:
    return json.dumps({name: [row[name] for row in rows] for name in rows[0]}).encode()


def json_pandas(rows: Rows) -> bytes:
    columns = {name: {str(i): row[name] for i, row in enumerate(rows)} for name in rows[0]}
    return json.dumps(columns).encode()


def json_by_id(rows: Rows) -> bytes:
    return json.dumps({f"row-{index}": row for index, row in enumerate(rows)}).encode()


def delimited(
    delimiter: str, encoding: str = "utf-8", line_end: str = "\r\n"
) -> Callable[[Rows], bytes]:
    def write(rows: Rows) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator=line_end)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode(encoding)

    return write


def zip_of(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_of(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def compress(content: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(content)
        packed: bytes = sink.getvalue().to_pybytes()
        return packed

    return compress


COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": by_arrow("zstd"),
    ".lz4": by_arrow("lz4"),
}
# By what a file of it is called.
FORMATS: Mapping[str, Callable[[Rows], bytes]] = {
    "rows.parquet": parquet,
    "rows.feather": arrow_file,
    "rows.arrow": arrow_stream,
    "rows.jsonl": json_lines,
    "rows.ndjson": json_lines,
    "lines.json": json_lines,
    "array.json": json_array,
    "one-line.json": json_one_line,
    "nested.json": json_nested,
    "objects.json": json_pretty_objects,
    "columns.json": json_columns,
    "pandas.json": json_pandas,
    "by-id.json": json_by_id,
    "comma.csv": delimited(","),
    "unix.csv": delimited(",", line_end="\n"),
    "semicolon.csv": delimited(";"),
    "pipe.csv": delimited("|"),
    "tab.tsv": delimited("\t"),
    "tab.csv": delimited("\t"),
    "bom.csv": delimited(";", "utf-8-sig"),
    "excel-unicode.txt.csv": delimited("\t", "utf-16"),
    "utf-16-without-bom.csv": delimited(",", "utf-16-le"),
}
