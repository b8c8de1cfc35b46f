"""How a CSV file is written: its delimiter and whether fields are quoted, by its first lines."""

import csv
import io
from dataclasses import dataclass
from itertools import islice

DELIMITERS = (",", "\t", ";", "|")
SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """`quoted`: a field in quotes may hold the delimiter, line ends, and doubled quotes."""

    delimiter: str = ","
    quoted: bool = True


def detect_dialect(head: str, is_complete: bool, preferred: str = ",") -> CsvDialect:
    """The dialect under which the lines of `head` have the most regular fields.

    `preferred` is the delimiter of a file whose lines have no regular fields at all.
    """
    if not is_complete:
        head = head[: head.rfind("\n") + 1] or head
    candidates = [CsvDialect(delimiter) for delimiter in DELIMITERS]
    # Tabs are often written without quotes around anything, so that a quote is a letter.
    candidates.append(CsvDialect("\t", quoted=False))
    scored = [(regularity(head, dialect), dialect) for dialect in candidates]
    best, dialect = max(
        scored, key=lambda item: (item[0], item[1].delimiter == preferred, item[1].quoted)
    )
    return dialect if best > 0 else CsvDialect(preferred)


def regularity(head: str, dialect: CsvDialect) -> float:
    """The share of lines with as many fields as the header; 0 if the header has only one."""
    rows = csv.reader(
        io.StringIO(head),
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    widths: list[int] = []
    try:
        widths.extend(len(row) for row in islice(rows, SAMPLE_ROWS) if row)
    except csv.Error:
        # The sample may end within quotes; a fault in its middle is one of the dialect.
        if rows.line_num <= head.count("\n"):
            return 0
    if not widths or widths[0] < 2:
        return 0
    return sum(width == widths[0] for width in widths) / len(widths)
