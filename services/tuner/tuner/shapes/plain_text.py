"""Text of which the model learns every token."""

from collections.abc import Iterator
from dataclasses import dataclass

from tuner.rows.record import Text
from tuner.rows.row import LossCause, Row, RowFault
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.faults import quote
from tuner.shapes.values.texts import read_required


@dataclass(frozen=True, slots=True)
class TextShape:
    """The model learns the text in `column`."""

    column: str
    name: str = "text"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def to_record(self, row: Row) -> Text:
        """The text of `row`.

        Raises:
            RowFault: EMPTY or MALFORMED; BLANK, as are many rows of corpora that have a row a line.
        """
        value = row.values.get(self.column)
        if isinstance(value, str) and not value.strip():
            raise RowFault(LossCause.BLANK, f"column {self.column} is {quote(value)}")
        return Text(read_required(row.values, self.column))


def find_text(columns: Columns, name: str) -> Iterator[TextShape]:
    """The shape of a file with text in the column `name`."""
    column = columns.find(name)
    if column is not None:
        yield TextShape(column)
