"""Counts the rows that are dropped or cut, and names the first of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.rows.row import LossCause, Row, RowFault

NAMED_ROWS = 20


@dataclass(frozen=True, slots=True)
class LostRow:
    """A row that is dropped or cut. See `Row` for `file` and `number`."""

    file: str
    number: int
    cause: LossCause
    detail: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.number}: {self.cause}: {self.detail}"


@dataclass(slots=True)
class RowLosses:
    """`rows` counts all rows that were read; `first` names the first `NAMED_ROWS` lost ones.

    `blank` counts the blank rows of texts, which are no rows, like the blank lines of a text file.
    """

    rows: int = 0
    blank: int = 0
    causes: Counter[LossCause] = field(default_factory=Counter)
    first: list[LostRow] = field(default_factory=list)

    def add(self, row: Row, fault: RowFault) -> None:
        """Count `row`, which is among `rows`, as lost."""
        if fault.cause is LossCause.BLANK:
            self.rows -= 1
            self.blank += 1
            return
        self.causes[fault.cause] += 1
        if len(self.first) < NAMED_ROWS:
            self.first.append(LostRow(row.file, row.number, fault.cause, fault.detail))

    @property
    def cut(self) -> int:
        """The number of rows that are trained on in part."""
        return self.causes[LossCause.CUT]

    @property
    def dropped(self) -> int:
        """The number of rows that are not trained on."""
        return self.causes.total() - self.cut

    @property
    def share(self) -> float:
        """The share of the rows that is dropped or cut, from 0 to 1."""
        return self.causes.total() / self.rows if self.rows else 0.0

    def by_cause(self) -> Mapping[LossCause, int]:
        """The number of lost rows by cause, the most frequent first."""
        return dict(self.causes.most_common())
