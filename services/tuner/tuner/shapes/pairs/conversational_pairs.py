"""TRL's conversational prompt and completion: one or both are lists of messages."""

from dataclasses import dataclass
from typing import Any

from tuner.rows.record import Conversation
from tuner.rows.row import Row
from tuner.shapes.chat.conversation import build_conversation, text_message
from tuner.shapes.chat.message import ReadMessage
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt
from tuner.shapes.chat.tools import read_row_tools
from tuner.shapes.chat.turns import is_conversation, read_conversation
from tuner.shapes.values.faults import empty


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationalPairShape:
    """The model learns the assistant's messages in `answer`, given those in `prompt`."""

    name: str
    prompt: str
    answer: str
    tools_column: str | None = None
    system: SystemPrompt = NO_SYSTEM_PROMPT

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        tools = (self.tools_column,) if self.tools_column else ()
        return (*self.system.columns, self.prompt, self.answer, *tools)

    def to_record(self, row: Row) -> Conversation:
        """The conversation of `row`. Assistant messages of its prompt are context.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        values = row.values
        prompt = read_side(values.get(self.prompt), f"column {self.prompt}", "user")
        answer = read_side(values.get(self.answer), f"column {self.answer}", "assistant")
        return build_conversation(
            [*(ReadMessage(read.message, False) for read in prompt), *answer],
            f"column {self.answer}",
            system=self.system.read(values),
            tools=read_row_tools(values, self.tools_column),
        )


def read_side(value: Any, where: str, role: str) -> list[ReadMessage]:
    """The messages in `value`, or the single one of `role` if it is text.

    Raises:
        RowFault: EMPTY or MALFORMED.
    """
    if isinstance(value, str) and not is_conversation(value):
        if not value.strip():
            raise empty(where, value)
        return [text_message(role, value)]
    return read_conversation(value, where)
