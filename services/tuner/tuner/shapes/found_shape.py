"""The shape that a file is read in, with why."""

from dataclasses import dataclass

from tuner.rows.record import Record
from tuner.rows.row import Row
from tuner.shapes.shape import Shape
from tuner.shapes.values.encodable import check_encodable


@dataclass(frozen=True, slots=True)
class FoundShape:
    """A `shape`, and the `choice` that led to it, in words for the user."""

    shape: Shape
    choice: str

    @property
    def name(self) -> str:
        """The shape's name in reports."""
        return self.shape.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.shape.columns

    def to_record(self, row: Row) -> Record:
        """What `row` teaches.

        Raises:
            RowFault: any of the shape's, or MALFORMED, a text cannot be written as UTF-8.
        """
        record = self.shape.to_record(row)
        check_encodable(record, self.columns)
        return record
