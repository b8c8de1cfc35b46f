"""What a data file holds: its format, its columns, its number of rows, and its first rows.

Translates the errors of pyarrow, csv and json into RunError(DATA_UNREADABLE).
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from tuner.errors import RunError
from tuner.reasons import Reason

FileFormat = Literal["parquet", "json", "csv", "arrow"]
SUFFIXES: Mapping[str, FileFormat] = {
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".csv": "csv",
    ".arrow": "arrow",
}
# Enough to find rows of the wrong shape before a GPU is used.
SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContents:
    """One file. `sample` is its first rows, as plain Python values."""

    format: FileFormat
    columns: tuple[str, ...]
    rows: int
    sample: tuple[Mapping[str, Any], ...]


def read_contents(path: Path) -> FileContents:
    """Read the columns, the number of rows and a sample of the file at `path`.

    Raises:
        RunError: DATA_UNREADABLE, the file is not what its name or its first bytes say.
    """
    file_format = detect_format(path)
    try:
        return READERS[file_format](path)
    except (pa.ArrowException, ValueError, csv.Error, OSError) as error:
        raise unreadable(path, f"it cannot be read as {file_format}: {error}") from error


def detect_format(path: Path) -> FileFormat:
    """The format of `path`, by its suffix or else by its first bytes.

    Raises:
        RunError: DATA_UNREADABLE, neither is known or the two contradict each other.
    """
    with path.open("rb") as file:
        head = file.read(64)
    by_magic = _by_magic(head)
    file_format = SUFFIXES.get(path.suffix.lower(), by_magic)
    if file_format is None or (file_format in ("parquet", "arrow") and by_magic != file_format):
        raise unreadable(path, f"it begins with {head[:16]!r}")
    return file_format


def unreadable(path: Path, problem: str) -> RunError:
    """A RunError(DATA_UNREADABLE) that names the file."""
    return RunError(
        Reason.DATA_UNREADABLE,
        f"data file {path.name} is not a readable parquet file: {problem}; use the address of the "
        "file itself, not of a page about it (jsonl, json, csv and arrow files also work)",
    )


def _by_magic(head: bytes) -> FileFormat | None:
    if head.startswith(b"PAR1"):
        return "parquet"
    # Arrow's streaming format, which `datasets` writes, begins with a continuation marker.
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    return "json" if head.lstrip()[:1] in (b"{", b"[") else None


def _read_parquet(path: Path) -> FileContents:
    with pq.ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=SAMPLE_ROWS)
        first = next(batches, None)
        return FileContents(
            format="parquet",
            columns=tuple(file.schema_arrow.names),
            rows=file.metadata.num_rows,
            sample=tuple(first.to_pylist()) if first is not None else (),
        )


def _read_arrow(path: Path) -> FileContents:
    with pa.memory_map(str(path)) as source:
        is_file_format = source.read(6) == b"ARROW1"
        source.seek(0)
        opened = pa.ipc.open_file(source) if is_file_format else pa.ipc.open_stream(source)
        table = opened.read_all()
        return FileContents(
            format="arrow",
            columns=tuple(table.column_names),
            rows=table.num_rows,
            sample=tuple(table.slice(0, SAMPLE_ROWS).to_pylist()),
        )


def _read_json(path: Path) -> FileContents:
    with path.open(encoding="utf-8") as file:
        is_array = file.read(64).lstrip().startswith("[")
        file.seek(0)
        lines = (json.loads(line) for line in file if line.strip())
        return _from_rows("json", iter(json.load(file)) if is_array else lines)


def _read_csv(path: Path) -> FileContents:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        columns = tuple(reader.fieldnames or ())
        return replace(_from_rows("csv", reader), columns=columns)


def _from_rows(file_format: FileFormat, rows: Iterator[Any]) -> FileContents:
    sample = tuple(islice(rows, SAMPLE_ROWS))
    for row in sample:
        if not isinstance(row, Mapping):
            raise ValueError(f"a row is {row!r:.80}, not an object")
    columns = tuple(dict.fromkeys(chain.from_iterable(sample)))
    count = len(sample) + sum(1 for _ in rows)
    return FileContents(format=file_format, columns=columns, rows=count, sample=sample)


READERS = {
    "parquet": _read_parquet,
    "arrow": _read_arrow,
    "json": _read_json,
    "csv": _read_csv,
}
