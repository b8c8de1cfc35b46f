"""TRL's unpaired preference: prompt, completion, and a label that says whether it is desired."""

from dataclasses import dataclass

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
        if not isinstance(label, bool):
            raise malformed(f"column {self.label}", label, "it must be true or false")
        if not label:
            raise RowFault(
                LossCause.NO_ANSWER,
                f"column {self.label} is false, so the completion is not desired; remove such rows",
            )
        return self.desired.to_record(row)
