"""Reads the rows of a data file, whatever its format, compression and encoding are."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tuner.formats.arrow_rows import read_arrow_file, read_arrow_stream, read_parquet
from tuner.formats.byte_stream import ByteStream
from tuner.formats.csv_rows import read_csv
from tuner.formats.data_streams import Choose, DataStream, data_streams
from tuner.formats.file_format import (
    FileFormat,
    declared_format,
    is_data_file,
    select_data_files,
)
from tuner.formats.json_rows import read_json, read_json_lines
from tuner.formats.label import FileLabel
from tuner.formats.limits import UnpackedBytes
from tuner.formats.sniffing import binary_format_of, text_format_of
from tuner.formats.text_rows import read_text
from tuner.formats.text_stream import TextStream
from tuner.rows.row import Row

__all__ = ["describe_format", "is_data_file", "read_rows", "select_data_files"]

BinaryReader = Callable[[ByteStream, UnpackedBytes, Path | None], Iterator[Row]]
BINARY_READERS: dict[FileFormat, BinaryReader] = {
    FileFormat.PARQUET: read_parquet,
    FileFormat.ARROW_FILE: read_arrow_file,
    FileFormat.ARROW_STREAM: read_arrow_stream,
}
TEXT_READERS: dict[FileFormat, Callable[[TextStream], Iterator[Row]]] = {
    FileFormat.JSON: read_json,
    FileFormat.JSON_LINES: read_json_lines,
    FileFormat.CSV: read_csv,
    FileFormat.TSV: lambda text: read_csv(text, "\t"),
    FileFormat.TEXT: read_text,
}

# Formats that share their suffixes.
_FAMILIES: Mapping[FileFormat, str] = {
    FileFormat.PARQUET: "parquet",
    FileFormat.ARROW_FILE: "arrow",
    FileFormat.ARROW_STREAM: "arrow",
    FileFormat.JSON: "json",
    FileFormat.JSON_LINES: "json",
    FileFormat.CSV: "csv",
    FileFormat.TSV: "csv",
    FileFormat.TEXT: "text",
}


def read_rows(
    path: Path,
    name: str,
    *,
    origin: str | None = None,
    max_bytes: int | None = None,
    scratch: Path | None = None,
    choose: Choose = select_data_files,
) -> Iterator[Row]:
    """All rows of the data file at `path`, called `name` in messages; archives member by member.

    Memory is flat in the size of the file: at most some rows are held at a time.

    Args:
        origin: the address of the file, without secrets.
        max_bytes: how much may come out of compression, archives and parquet; None where an
            earlier pass has counted it.
        scratch: where a member that can only be read with random access (parquet) is unpacked;
            the system's temporary folder by default.
        choose: the names of an archive's members that are read, of all their names.

    Raises:
        RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
    """
    label = FileLabel(name=name, size_bytes=_size(path), origin=origin)
    for part in data_streams(path, label, max_bytes, scratch, choose):
        kind, content = _detect(part)
        if isinstance(content, TextStream):
            yield from TEXT_READERS[kind](content)
        else:
            yield from BINARY_READERS[kind](content, part.unpacked, scratch)


def describe_format(path: Path) -> str:
    """What the file at `path` is, for reports: "parquet", "jsonl.gz", "tar.gz of csv".

    Raises:
        RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
    """
    label = FileLabel(name=path.name, size_bytes=_size(path))
    parts = data_streams(path, label, None, None, select_data_files)
    described = {(part.archive, _describe(part)): None for part in parts}
    archive = next(iter(described))[0]
    names = " and ".join(name for _, name in described)
    return f"{archive} of {names}" if archive else names


def _describe(part: DataStream) -> str:
    kind = _detect(part)[0]
    declared = declared_format(part.stream.label.name)
    odd = declared is not None and _FAMILIES.get(declared) != _FAMILIES.get(kind)
    word = FileFormat.ARROW_FILE if kind is FileFormat.ARROW_STREAM else kind
    return ".".join((word, *part.layers)) + (f" (named as {declared})" if odd else "")


def _detect(part: DataStream) -> tuple[FileFormat, ByteStream | TextStream]:
    binary = binary_format_of(part.stream)
    if binary is not None:
        return binary, part.stream
    text = TextStream(part.stream)
    return text_format_of(text, part.stream.label.name), text


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None
