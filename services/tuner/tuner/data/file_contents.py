"""What a data file holds: its format, columns, number of rows, and its first rows.

pyarrow's and json's errors end here, as RunError(DATA_NOT_PARQUET).
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

Format = Literal["parquet", "json", "csv", "arrow"]
SUFFIXES: Mapping[str, Format] = {
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".csv": "csv",
    ".arrow": "arrow",
}
SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """One file. `sample` is its first rows, as plain Python values."""

    format: Format
    columns: tuple[str, ...]
    rows: int
    sample: tuple[Mapping[str, Any], ...]


def read_contents(path: Path) -> Contents:
    """Looks into the file at `path`.

    Errors: RunError(DATA_NOT_PARQUET) when it is not what its name says or its first bytes say.
    """
    format_ = detect(path)
    try:
        return READERS[format_](path)
    except (pa.ArrowException, ValueError, csv.Error, OSError) as error:
        raise not_readable(path, f"it cannot be read as {format_}: {error}") from error


def detect(path: Path) -> Format:
    """The format of `path`, by its suffix, else by its first bytes."""
    with path.open("rb") as file:
        head = file.read(64)
    suffix = path.suffix.lower()
    by_magic = _magic(head)
    wanted = SUFFIXES.get(suffix, by_magic)
    if wanted is None or (wanted in ("parquet", "arrow") and by_magic != wanted):
        raise not_readable(path, f"it begins with {head[:16]!r}")
    return wanted


def not_readable(path: Path, what: str) -> RunError:
    """A RunError(DATA_NOT_PARQUET) that names the file."""
    return RunError(
        Reason.DATA_NOT_PARQUET,
        f"data file {path.name} is not a readable parquet file: {what}; give the address of the "
        "file itself, not of a page about it (jsonl, json, csv and arrow files are read too)",
    )


def _magic(head: bytes) -> Format | None:
    if head.startswith(b"PAR1"):
        return "parquet"
    # The streaming form of arrow, which `datasets` writes, begins with a continuation marker.
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    return "json" if head.lstrip()[:1] in (b"{", b"[") else None


def _parquet(path: Path) -> Contents:
    with pq.ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=SAMPLE_ROWS)
        first = next(batches, None)
        return Contents(
            format="parquet",
            columns=tuple(file.schema_arrow.names),
            rows=file.metadata.num_rows,
            sample=tuple(first.to_pylist()) if first is not None else (),
        )


def _arrow(path: Path) -> Contents:
    with pa.memory_map(str(path)) as source:
        file_form = source.read(6) == b"ARROW1"
        source.seek(0)
        opened = pa.ipc.open_file(source) if file_form else pa.ipc.open_stream(source)
        table = opened.read_all()
        return Contents(
            format="arrow",
            columns=tuple(table.column_names),
            rows=table.num_rows,
            sample=tuple(table.slice(0, SAMPLE_ROWS).to_pylist()),
        )


def _json(path: Path) -> Contents:
    with path.open(encoding="utf-8") as file:
        array = file.read(64).lstrip().startswith("[")
        file.seek(0)
        lines = (json.loads(line) for line in file if line.strip())
        return _rows("json", iter(json.load(file)) if array else lines)


def _csv(path: Path) -> Contents:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        columns = tuple(reader.fieldnames or ())
        return replace(_rows("csv", reader), columns=columns)


def _rows(format_: Format, rows: Iterator[Any]) -> Contents:
    sample = tuple(islice(rows, SAMPLE_ROWS))
    for row in sample:
        if not isinstance(row, Mapping):
            raise ValueError(f"a row is {row!r:.80}, not an object")
    columns = tuple(dict.fromkeys(chain.from_iterable(sample)))
    count = len(sample) + sum(1 for _ in rows)
    return Contents(format=format_, columns=columns, rows=count, sample=sample)


READERS = {"parquet": _parquet, "arrow": _arrow, "json": _json, "csv": _csv}
