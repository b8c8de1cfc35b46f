"""TRL's unpaired preference: prompt, completion, and a label that says whether it is desired."""

from dataclasses import dataclass
from typing import Any

from tuner.data.record import Record
from tuner.data.row import LossCause, Row, RowFault
from tuner.shapes.faults import malformed
from tuner.shapes.shape import Shape


@dataclass(frozen=True, slots=True)
class UnpairedPreferenceShape:
    """The model learns what `desired` does, of the rows whose `label` is true."""

    desired: Shape
    label: str

    @property
    def name(self) -> str:
        """The shape's name in reports."""
        return f"{self.desired.name} with label"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self.desired.columns, self.label)

    def to_record(self, row: Row) -> Record:
        """What a desired `row` teaches.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        label = row.values.get(self.label)
        if not is_label(label):
            raise malformed(f"column {self.label}", label, "it must be true or false")
        if str(label).casefold() == "false":
            raise RowFault(
                LossCause.NO_ANSWER,
                f"column {self.label} is false, so the completion is not desired; remove such rows",
            )
        return self.desired.to_record(row)


def is_label(value: Any) -> bool:
    """True if `value` is true or false, or as text, as in CSV files."""
    return isinstance(value, bool | str) and str(value).casefold() in ("true", "false")
