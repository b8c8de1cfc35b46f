"""The system prompt of a row that has one beside the conversation, or of the whole dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.shapes.columns import Columns
from tuner.shapes.texts import read_optional

_COLUMNS = ("system", "system_prompt", "system_message")


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """`column` holds the prompts of the rows; `default` is for rows without one."""

    column: str | None = None
    default: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,) if self.column else ()

    def read(self, values: Mapping[str, Any]) -> str:
        """The system prompt of the row with `values`; "" if it has none.

        Raises:
            RowFault: MALFORMED.
        """
        return read_optional(values, self.column) or self.default


NO_SYSTEM_PROMPT = SystemPrompt()


def find_system_prompt(columns: Columns, config: DatasetConfig) -> SystemPrompt:
    """Where the system prompts of the rows are."""
    column = columns.find_first(_COLUMNS)
    if column is not None and not columns.holds_text(column):
        column = None
    return SystemPrompt(column, config.system_prompt or "")
