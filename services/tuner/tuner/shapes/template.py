"""Prompts and answers that DatasetConfig puts together from several columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_training.row_template import Part
from tuner.rows.record import Completion, Conversation, Text
from tuner.rows.row import LossCause, Row, RowFault
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt
from tuner.shapes.pairs.pairs import as_record
from tuner.shapes.values.texts import to_text


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A template whose columns are spelled as in the file. `key` is its name in DatasetConfig."""

    key: str
    parts: tuple[Part, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, or paths of keys in a column, that are read."""
        return tuple(part.column for part in self.parts if part.column is not None)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for the row with `values`, without blanks at its ends.

        Raises:
            RowFault: EMPTY, all its columns are; MALFORMED, one holds no text.
        """
        texts = [to_text(read_path(values, path), f"column {path}") for path in self.columns]
        if not any(text.strip() for text in texts):
            columns = ", ".join(self.columns)
            raise RowFault(LossCause.EMPTY, f"all columns of {self.key} are empty: {columns}")
        remaining = iter(texts)
        return "".join(
            part.text + (next(remaining) if part.column is not None else "") for part in self.parts
        ).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateShape:
    """The model learns `answer`, given `prompt`; without a prompt, the whole text."""

    prompt: TextTemplate | None
    answer: TextTemplate
    system: SystemPrompt = NO_SYSTEM_PROMPT
    name: str = "template"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        prompt = self.prompt.columns if self.prompt else ()
        return tuple(dict.fromkeys((*self.system.columns, *prompt, *self.answer.columns)))

    def to_record(self, row: Row) -> Completion | Conversation | Text:
        """The texts of `row`.

        Raises:
            RowFault: EMPTY or MALFORMED.
        """
        if self.prompt is None:
            return Text(self.answer.render(row.values))
        prompt, answer = self.prompt.render(row.values), self.answer.render(row.values)
        return as_record(prompt, answer, self.system.read(row.values))


def read_path(values: Mapping[str, Any], path: str) -> Any:
    """The value of the column `path`, or of "column.key" in a column of objects; else None."""
    if path in values:
        return values[path]
    column, _, rest = path.partition(".")
    value = values.get(column)
    return read_path(value, rest) if rest and isinstance(value, Mapping) else None
