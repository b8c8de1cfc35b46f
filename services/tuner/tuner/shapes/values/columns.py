"""The columns of a file, found by name whatever their case and the spaces around them."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from tuner.rows.row import Row


class Columns:
    """The columns of the rows in `sample`. A name is matched exactly, or else by its letters."""

    def __init__(self, sample: Sequence[Row]) -> None:
        self.names = tuple(dict.fromkeys(chain.from_iterable(row.values for row in sample)))
        self._sample = sample
        self._spelled = {_fold(name): name for name in reversed(self.names)}

    def find(self, name: str) -> str | None:
        """The column called `name`, as it is spelled in the file; None if there is none."""
        return name if name in self.names else self._spelled.get(_fold(name))

    def find_first(self, names: Iterable[str]) -> str | None:
        """The first of `names` that is a column, as it is spelled in the file."""
        return next((found for name in names if (found := self.find(name)) is not None), None)

    def values(self, column: str) -> list[Any]:
        """The values of `column` in the sample that are not null."""
        values = (row.values.get(column) for row in self._sample)
        return [value for value in values if value is not None]

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """The values of `columns`, row by row of the sample."""
        return [tuple(row.values.get(column) for column in columns) for row in self._sample]

    def holds_text(self, column: str) -> bool:
        """True if `column` holds nothing but texts, numbers and nulls in the sample."""
        return all(isinstance(value, str | int | float) for value in self.values(column))


def _fold(name: object) -> str:
    return str(name).strip().casefold()
