"""Conversations in one column: OpenAI's messages, ShareGPT's turns, and their relatives."""

from collections.abc import Iterator
from dataclasses import dataclass

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Conversation
from tuner.rows.row import Row
from tuner.shapes.chat.conversation import build_conversation, without_leading_answers
from tuner.shapes.chat.message import ReadMessage
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt, find_system_prompt
from tuner.shapes.chat.tools import find_tools_column, read_row_tools
from tuner.shapes.chat.turns import is_conversation, load_conversation, read_conversation
from tuner.shapes.values.columns import Columns

# By these names a column is taken if it holds conversations.
CONVERSATION_COLUMNS = (
    "messages",
    "conversations",
    "conversation",
    "dialogue",
    "dialog",
    "dialogs",
    "chat",
    "turns",
    "contents",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesShape:
    """The model learns what the assistant says in the conversation in `column`."""

    name: str
    column: str
    tools_column: str | None = None
    system: SystemPrompt = NO_SYSTEM_PROMPT

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        tools = (self.tools_column,) if self.tools_column else ()
        return (self.column, *self.system.columns, *tools)

    def to_record(self, row: Row) -> Conversation:
        """The conversation of `row`.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        where = f"column {self.column}"
        messages = read_conversation(row.values.get(self.column), where)
        if self.name == "sharegpt":
            # Such conversations are cut from longer ones, some of them before an answer.
            messages = without_leading_answers(messages)
        tools = read_row_tools(row.values, self.tools_column)
        return build_conversation(
            messages,
            where,
            system=self.system.read(row.values),
            tools=() if _names_tools(messages) else tools,
        )


def find_messages(columns: Columns, config: DatasetConfig) -> Iterator[MessagesShape]:
    """The shapes of a file with conversations in a column of a usual name, the best first."""
    for name in CONVERSATION_COLUMNS:
        column = columns.find(name)
        if column is not None and _holds_conversations(columns, column):
            yield messages_shape(column, columns, config)


def find_broken_messages(columns: Columns, config: DatasetConfig) -> Iterator[MessagesShape]:
    """The shape of a file whose column `messages` holds none: each row then says why."""
    column = columns.find("messages")
    if column is not None:
        yield messages_shape(column, columns, config)


def find_only_conversation(columns: Columns, config: DatasetConfig) -> Iterator[MessagesShape]:
    """The shape of a file in which one column, of whatever name, holds conversations."""
    found = [column for column in columns.names if _holds_conversations(columns, column)]
    if len(found) == 1:
        yield messages_shape(found[0], columns, config)


def messages_shape(column: str, columns: Columns, config: DatasetConfig) -> MessagesShape:
    """The shape of a file with conversations in `column`."""
    return MessagesShape(
        name="sharegpt" if _is_sharegpt(columns, column) else "messages",
        column=column,
        tools_column=find_tools_column(columns),
        system=find_system_prompt(columns, config),
    )


def _holds_conversations(columns: Columns, column: str) -> bool:
    return any(is_conversation(value) for value in columns.values(column))


def _is_sharegpt(columns: Columns, column: str) -> bool:
    conversations = (load_conversation(value) for value in columns.values(column))
    items = next((items for items in conversations if items is not None), [])
    return any("from" in item for item in items[:1])


def _names_tools(messages: list[ReadMessage]) -> bool:
    """True if the system prompt describes the tools already, as in Hermes' function calls."""
    return any(read.role == "system" and "<tools>" in read.message["content"] for read in messages)
