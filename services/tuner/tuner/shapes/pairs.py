"""A question and its answer, as texts in two columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.data.record import Completion, Conversation
from tuner.data.row import Row
from tuner.shapes.conversation import build_conversation, text_message
from tuner.shapes.history import read_history
from tuner.shapes.message import ReadMessage
from tuner.shapes.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt
from tuner.shapes.texts import join_paragraphs, read_optional, read_required


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShape:
    """The model learns `answer`, given `prompt` and, after a blank line, `context`.

    `late_context` is the column of contexts if the first rows of the file have none.
    """

    name: str
    prompt: str
    answer: str
    context: str | None = None
    late_context: str | None = None
    history: str | None = None
    system: SystemPrompt = NO_SYSTEM_PROMPT

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        optional = (self.history, self.context)
        before = tuple(column for column in optional if column is not None)
        return (*self.system.columns, self.prompt, *before, self.answer)

    def to_record(self, row: Row) -> Completion | Conversation:
        """The pair of `row`; a conversation if a system prompt or other turns precede it.

        Raises:
            RowFault: EMPTY or MALFORMED.
        """
        return as_record(
            read_prompt(row.values, self.prompt, self.context or self.late_context),
            read_required(row.values, self.answer),
            self.system.read(row.values),
            read_history(row.values, self.history),
        )


def read_prompt(values: Mapping[str, Any], prompt: str, context: str | None) -> str:
    """The question, and what it is about.

    Raises:
        RowFault: EMPTY or MALFORMED.
    """
    return join_paragraphs(read_required(values, prompt), read_optional(values, context))


def as_record(
    prompt: str, answer: str, system: str, history: tuple[ReadMessage, ...] = ()
) -> Completion | Conversation:
    """A pair, or the conversation of a system prompt, earlier messages and the pair."""
    if not system and not history:
        return Completion(prompt, answer)
    last = (text_message("user", prompt), text_message("assistant", answer))
    return build_conversation([*history, *last], "the row", system=system)
