"""What a file is. Its content decides; its suffix only breaks ties."""

import re

from tuner.formats.byte_stream import ByteStream
from tuner.formats.csv_dialect import detect_dialect, regularity
from tuner.formats.file_format import Archive, FileFormat, declared_format
from tuner.formats.foreign_files import check_binary, check_text
from tuner.formats.json_layout import json_layout
from tuner.formats.json_value import JsonFault, decode
from tuner.formats.label import excerpt
from tuner.formats.text_stream import TextStream

BINARY_MAGIC = {
    b"PAR1": FileFormat.PARQUET,
    b"ARROW1": FileFormat.ARROW_FILE,
    # The mark of continuation, with which each message of a stream begins.
    b"\xff\xff\xff\xff": FileFormat.ARROW_STREAM,
}
TAR_MAGIC, TAR_MAGIC_OFFSET = b"ustar", 257
FORMATS = "parquet, arrow, json, jsonl, csv, tsv or txt"
JSON_FORMATS = (FileFormat.JSON, FileFormat.JSON_LINES)
LIKE_JSON = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"])')
COLUMN_NAME = re.compile(r"[\w .:/-]+")


def archive_of(head: bytes) -> Archive | None:
    """The archive that begins with `head`, if it is one."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Archive.ZIP
    return Archive.TAR if head.startswith(TAR_MAGIC, TAR_MAGIC_OFFSET) else None


def binary_format_of(stream: ByteStream) -> FileFormat | None:
    """The format of a file that is not text; None for text.

    Raises:
        RunError: DATA_UNREADABLE, the file is empty or something else.
    """
    if not stream.head:
        raise stream.label.fault("is empty", f"provide {FORMATS} with at least one row")
    for magic, kind in BINARY_MAGIC.items():
        if stream.head.startswith(magic):
            return kind
    check_binary(stream.head, stream.label)
    return None


def text_format_of(text: TextStream, name: str) -> FileFormat:
    """The format of `text`, which is called `name`.

    Raises:
        RunError: DATA_UNREADABLE, it is something else.
    """
    declared = declared_format(name)
    if declared in (FileFormat.PARQUET, FileFormat.ARROW_FILE):
        declared = None
    if not text.head.strip():
        raise text.label.fault("holds nothing but space", f"provide {FORMATS} with rows")
    check_text(text)
    if _is_json(text, declared):
        return json_layout(text.head, text.is_complete, declared)
    dialect = detect_dialect(text.head, text.is_complete)
    if declared in JSON_FORMATS or declared is None:
        header = text.head.partition("\n")[0].split(dialect.delimiter)
        is_table = regularity(text.head, dialect) == 1 and "\n" in text.head.strip()
        if is_table and all(COLUMN_NAME.fullmatch(name.strip(' "\r')) for name in header):
            return FileFormat.TSV if dialect.delimiter == "\t" else FileFormat.CSV
        if declared is None:
            raise text.label.fault(
                f"is of no known format; it begins with {excerpt(text.beginning)}",
                f"provide {FORMATS}, also compressed or in an archive",
            )
        return json_layout(text.head, text.is_complete, declared)
    if declared is FileFormat.CSV and dialect.delimiter == "\t":
        return FileFormat.TSV
    return declared


def _is_json(text: TextStream, declared: FileFormat | None) -> bool:
    if not LIKE_JSON.match(text.head):
        return False
    if declared is not FileFormat.TEXT:
        return True
    # Text may begin with a bracket, too.
    try:
        decode(text.head.lstrip().partition("\n")[0])
    except JsonFault:
        return False
    return True
