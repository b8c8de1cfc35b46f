"""TRL's unpaired preference: prompt, completion, and a label that says whether it is desired."""

from dataclasses import dataclass
from typing import Any

from tuner.rows.record import Record
from tuner.rows.row import LossCause, Row, RowFault
from tuner.shapes.shape import Shape
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.faults import malformed, quote

_LABEL = "label"
# As JSON, Python and tables write them.
_LABELS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class UnpairedPreferenceShape:
    """The model learns what `desired` does, of the rows whose `label` is true.

    `is_late`: the first rows of the file have no labels, and later ones may have none.
    """

    desired: Shape
    label: str
    is_late: bool = False

    @property
    def name(self) -> str:
        """The shape's name in reports."""
        return self.desired.name if self.is_late else f"{self.desired.name} with label"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.desired.columns if self.is_late else (*self.desired.columns, self.label)

    def to_record(self, row: Row) -> Record:
        """What a desired `row` teaches.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        label = row.values.get(self.label)
        if not is_label(label):
            if self.is_late:
                return self.desired.to_record(row)
            raise malformed(f"column {self.label}", label, "it must be true or false")
        if not _LABELS[str(label).casefold()]:
            raise RowFault(
                LossCause.NO_ANSWER,
                f"column {self.label} is {quote(label)}, so the completion is not desired; remove "
                "such rows, or rename the column if it says something else",
            )
        return self.desired.to_record(row)


def desired_only(shape: Shape, columns: Columns) -> Shape:
    """`shape` for the rows whose label is true, unless the column `label` says something else."""
    column = columns.find(_LABEL)
    if column is None:
        return UnpairedPreferenceShape(shape, _LABEL, is_late=True)
    values = columns.values(column)
    return (
        UnpairedPreferenceShape(shape, column) if values and all(map(is_label, values)) else shape
    )


def is_label(value: Any) -> bool:
    """True if `value` is true or false, 1 or 0, or one of these as text, as in CSV files."""
    return isinstance(value, bool | int | str) and str(value).casefold() in _LABELS
