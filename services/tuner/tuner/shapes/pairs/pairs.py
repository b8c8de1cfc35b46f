"""A question and its answer, as texts in two columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.rows.record import Completion, Conversation
from tuner.rows.row import Row
from tuner.shapes.chat.conversation import build_conversation, text_message
from tuner.shapes.chat.history import NO_HISTORY, History
from tuner.shapes.chat.message import ReadMessage
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt
from tuner.shapes.pairs.context import NO_CONTEXT, Context
from tuner.shapes.values.texts import join_paragraphs, read_required


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShape:
    """The model learns `answer`, given `prompt` and, after a blank line, `context`."""

    name: str
    prompt: str
    answer: str
    context: Context = NO_CONTEXT
    history: History = NO_HISTORY
    system: SystemPrompt = NO_SYSTEM_PROMPT

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        before = (*self.history.columns, *self.context.columns)
        return (*self.system.columns, self.prompt, *before, self.answer)

    def to_record(self, row: Row) -> Completion | Conversation:
        """The pair of `row`; a conversation if a system prompt or other turns precede it.

        Raises:
            RowFault: EMPTY or MALFORMED.
        """
        return as_record(
            read_prompt(row.values, self.prompt, self.context),
            read_required(row.values, self.answer),
            self.system.read(row.values),
            self.history.read(row.values),
        )


def read_prompt(values: Mapping[str, Any], prompt: str, context: Context) -> str:
    """The question, and what it is about.

    Raises:
        RowFault: EMPTY or MALFORMED.
    """
    return join_paragraphs(read_required(values, prompt), context.read(values))


def as_record(
    prompt: str, answer: str, system: str, history: tuple[ReadMessage, ...] = ()
) -> Completion | Conversation:
    """A pair, or the conversation of a system prompt, earlier messages and the pair."""
    if not system and not history:
        return Completion(prompt, answer)
    last = (text_message("user", prompt), text_message("assistant", answer))
    return build_conversation([*history, *last], "the row", system=system)
