"""Rows of plain text: a line each, as TRL's and `datasets`' text loader takes them."""

from collections.abc import Iterator

from tuner.formats.text_stream import TextStream
from tuner.rows.row import Row


def read_text(text: TextStream) -> Iterator[Row]:
    """{"text": line} for each line that is not blank."""
    for number, line in enumerate(text.lines(), 1):
        if not line.isspace():
            yield Row(text.label.name, number, {"text": line.rstrip("\r\n")})
