"""The system prompt of a row that has one beside the conversation, or of the whole dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.shapes.chat.content import read_content
from tuner.shapes.values.columns import Columns

SYSTEM_COLUMNS = (
    "system",
    "system_prompt",
    "system_message",
    "system_instruction",
    "systemInstruction",
)


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """`column` holds the prompts of the rows; `default` is for rows without one.

    Without a `column` in a file's first rows, later rows may still have one of the usual names.
    """

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
        names = (self.column,) if self.column else SYSTEM_COLUMNS
        column = next((name for name in names if values.get(name) is not None), names[0])
        value = values.get(column)
        # Gemini's is a message.
        parts = value.get("parts") if isinstance(value, Mapping) else value
        text = read_content(parts, f"column {column}").text
        return text if text.strip() else self.default


NO_SYSTEM_PROMPT = SystemPrompt()


def find_system_prompt(columns: Columns, config: DatasetConfig) -> SystemPrompt:
    """Where the system prompts of the rows are."""
    default = config.system_prompt or ""
    return SystemPrompt(columns.find_first(SYSTEM_COLUMNS), default if default.strip() else "")
