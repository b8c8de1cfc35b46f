"""The seam between a file's rows and what the model learns from them."""

from typing import Protocol

from tuner.rows.record import Record
from tuner.rows.row import Row


class Shape(Protocol):
    """How the rows of one file become records."""

    @property
    def name(self) -> str:
        """The shape's name in reports, such as "messages" or "alpaca"."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, spelled as in the file."""

    def to_record(self, row: Row) -> Record:
        """What `row` teaches.

        Raises:
            RowFault: it names the column, the value, shortened, and what is expected.
        """
