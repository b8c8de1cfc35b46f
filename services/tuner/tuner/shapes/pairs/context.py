"""What a question is about, in a column beside it: a passage, an article, an input."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.shapes.pairs.pair_columns import CONTEXT_COLUMNS, PROMPTS_WITH_CONTEXT
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.texts import read_optional


@dataclass(frozen=True, slots=True)
class Context:
    """`column` holds the contexts; `name` is its usual name.

    Without a `column` in a file's first rows, later rows may still have one of those in `late`.
    """

    column: str | None = None
    name: str | None = None
    late: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,) if self.column else ()

    def read(self, values: Mapping[str, Any]) -> str:
        """The context of the row with `values`; "" if it has none.

        Raises:
            RowFault: MALFORMED.
        """
        late = (name for name in self.late if values.get(name) is not None)
        return read_optional(values, self.column or next(late, None))


NO_CONTEXT = Context()


def find_context(prompt_name: str, columns: Columns) -> Context:
    """Where the contexts of the questions in the column called `prompt_name` are."""
    names = CONTEXT_COLUMNS if prompt_name in PROMPTS_WITH_CONTEXT else ()
    for name in names:
        column = columns.find(name)
        if column is not None and columns.holds_text(column):
            return Context(column, name)
    return Context(late=tuple(name for name in names if columns.find(name) is None))
