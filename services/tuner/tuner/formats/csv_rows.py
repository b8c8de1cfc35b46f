"""Rows of CSV and TSV. Every value is text, and an empty cell is an empty text."""

import csv
import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from tuner.errors import RunError
from tuner.formats.csv_dialect import CsvDialect, detect_dialect
from tuner.formats.label import FileLabel, excerpt
from tuner.formats.limits import MAX_ROW_CHARS
from tuner.formats.text_stream import TextStream
from tuner.rows.row import Row

logger = logging.getLogger(__name__)
# A setting of the whole process; its default of 128 KiB is less than a long document.
csv.field_size_limit(MAX_ROW_CHARS)


def read_csv(text: TextStream, preferred: str = ",") -> Iterator[Row]:
    """The rows below the header. A row's number is the line that it begins on."""
    label = text.label
    dialect = detect_dialect(text.head, text.is_complete, preferred)
    records = _records(text, dialect)
    header_line, first = next(records, (1, []))
    header = _header(first, header_line, label)
    for line, fields in records:
        # Spreadsheets write a delimiter after the last column.
        if len(fields) > len(header) and not any(fields[len(header) :]):
            fields = fields[: len(header)]
        if len(fields) != len(header):
            raise _wrong_width(label, line, fields, header, dialect)
        yield Row(label.name, line, dict(zip(header, fields, strict=True)))


def _records(text: TextStream, dialect: CsvDialect) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line that it begins on."""
    reader = csv.reader(
        text.lines(),
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise _malformed(text.label, line, reader.line_num, error) from None
        if fields is None:
            return
        if fields:
            yield line, fields


def _header(fields: Sequence[str], line: int, label: FileLabel) -> list[str]:
    names = [name.strip() for name in fields]
    while names and not names[-1]:
        names.pop()
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise label.fault(
            f"has several columns of the name {', '.join(repeated)} in its header, line {line}",
            "rename all but one",
        )
    if any(_is_data(name) for name in names):
        logger.warning(
            "%s: line %d is taken as the header, but looks like a row: %s; if it is one, write the "
            "names of the columns above it",
            label,
            line,
            excerpt(", ".join(names)),
        )
    # The index of a pandas table has no name; this is the one that pandas reads it under.
    return [name or f"Unnamed: {index}" for index, name in enumerate(names)]


def _is_data(name: str) -> bool:
    return name.isdecimal() or len(name) > 60 or name.endswith((".", "?", "!"))


def _wrong_width(
    label: FileLabel, line: int, fields: Sequence[str], header: Sequence[str], dialect: CsvDialect
) -> RunError:
    more = "many" if len(fields) > len(header) else "few"
    return label.fault(
        f"has too {more} fields at line {line}: {len(fields)}, where the header has {len(header)} "
        f"({excerpt(', '.join(header))}), separated by {dialect.delimiter!r}; the line begins with "
        f"{excerpt(dialect.delimiter.join(fields))}",
        "put fields that hold the separator, a quote or a line end in double quotes",
    )


def _malformed(label: FileLabel, line: int, last: int, error: csv.Error) -> RunError:
    if "unexpected end" in str(error) or "field limit" in str(error):
        problem = f"has at line {line} a quote that opens a field and is not closed"
    elif "expected after" in str(error):
        problem = f"has at line {last} a quote within a quoted field"
    elif "new-line" in str(error):
        problem = f"has at line {last} a carriage return in a field without quotes"
    else:
        problem = f"is not CSV at line {last}: {error}"
    return label.fault(
        problem,
        'put such a field in double quotes, and double those within it: "She said ""yes""."',
    )
