"""Reads the rows of a data file, whatever its format, compression and encoding are."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tuner.data.row import Row
from tuner.formats.arrow_rows import read_arrow_file, read_arrow_stream, read_parquet
from tuner.formats.byte_stream import ByteStream
from tuner.formats.csv_rows import read_csv
from tuner.formats.data_streams import DataStream, data_streams
from tuner.formats.file_format import FileFormat, declared_format, is_data_file
from tuner.formats.json_rows import read_json, read_json_lines
from tuner.formats.label import FileLabel
from tuner.formats.limits import DEFAULT_MAX_BYTES
from tuner.formats.sniffing import binary_format_of, text_format_of
from tuner.formats.text_rows import read_text
from tuner.formats.text_stream import TextStream

__all__ = ["describe_format", "is_data_file", "read_rows"]

BINARY_READERS: dict[FileFormat, Callable[[ByteStream, Path | None], Iterator[Row]]] = {
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


def read_rows(
    path: Path,
    name: str,
    *,
    origin: str | None = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
    scratch: Path | None = None,
    is_wanted: Callable[[str], bool] = is_data_file,
) -> Iterator[Row]:
    """All rows of the data file at `path`, called `name` in messages; archives member by member.

    Memory is flat in the size of the file: at most some rows are held at a time.

    Args:
        origin: the address of the file, without secrets.
        max_bytes: how much may come out of compression and archives.
        scratch: where a member that can only be read with random access (parquet) is unpacked;
            the system's temporary folder by default.
        is_wanted: which members of an archive are read, by their names.

    Raises:
        RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
    """
    label = FileLabel(name=name, size_bytes=_size(path), origin=origin)
    for part in data_streams(path, label, max_bytes, scratch, is_wanted):
        kind, content = _detect(part)
        if isinstance(content, TextStream):
            yield from TEXT_READERS[kind](content)
        else:
            yield from BINARY_READERS[kind](content, scratch)


def describe_format(path: Path) -> str:
    """What the file at `path` is, for reports: "parquet", "jsonl.gz", "tar.gz of csv".

    Raises:
        RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
    """
    label = FileLabel(name=path.name, size_bytes=_size(path))
    parts = data_streams(path, label, DEFAULT_MAX_BYTES, None, is_data_file)
    described = {(part.archive, _describe(part)): None for part in parts}
    archive = next(iter(described))[0]
    names = " and ".join(name for _, name in described)
    return f"{archive} of {names}" if archive else names


def _describe(part: DataStream) -> str:
    kind = _family(_detect(part)[0])
    declared = declared_format(part.stream.label.name)
    odd = declared is not None and _family(declared) is not kind
    return ".".join((kind, *part.layers)) + (f" (named as {declared})" if odd else "")


def _family(kind: FileFormat) -> FileFormat:
    """`kind` without what users do not tell apart."""
    return FileFormat.ARROW_FILE if kind is FileFormat.ARROW_STREAM else kind


def _detect(part: DataStream) -> tuple[FileFormat, ByteStream | TextStream]:
    binary = binary_format_of(part.stream)
    if binary is not None:
        return binary, part.stream
    text = TextStream(part.stream)
    return text_format_of(text, part.stream.label.name), text


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None
