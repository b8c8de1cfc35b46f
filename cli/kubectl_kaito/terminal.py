"""Lays text out for people, with rich. Texts of the cluster are shown, never interpreted."""

import io
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Of output that is not a terminal's: every row stays one line, as `grep` and `awk` expect.
_UNLIMITED = 10_000
_STYLES = {
    "Ready": "green",
    "Succeeded": "green",
    "True": "green",
    "OK": "green",
    "Serving": "green",
    "Failed": "red",
    "Rejected": "red",
    "FAIL": "red",
    "NotReady": "yellow",
    "WARN": "yellow",
}


def print_all(parts: Iterable[object], stdout: TextIO) -> None:
    """Prints each part. Without a terminal, without colors and without padding at line ends."""
    if stdout.isatty():
        console = Console(file=stdout, highlight=False, markup=False, emoji=False)
        for part in parts:
            console.print(part)
        return
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=_UNLIMITED, highlight=False, markup=False, emoji=False, no_color=True
    )
    for part in parts:
        console.print(part)
    for line in buffer.getvalue().splitlines():
        stdout.write(line.rstrip() + "\n")


def text(value: object, style: str = "") -> Text:
    """A text of the cluster, without control characters: a terminal would obey them."""
    shown = "".join(c for c in str(value) if c.isprintable() or c == "\n")
    return Text(shown, style=style or _STYLES.get(shown, ""))


def columns(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table as kubectl prints them. None is shown as a dash."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(text("-" if cell is None or cell == "" else cell) for cell in row))
    return table


def fields(pairs: Iterable[tuple[str, object]]) -> Table:
    """Names and values, those without a value left out."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and value != "":
            table.add_row(text(name), text(value))
    return table
