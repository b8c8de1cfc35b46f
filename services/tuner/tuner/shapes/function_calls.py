"""Salesforce's xLAM data: a query, the tools, and the calls that answer the query."""

from collections.abc import Iterator
from dataclasses import dataclass

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Conversation
from tuner.rows.row import Row
from tuner.shapes.chat.conversation import build_conversation, text_message
from tuner.shapes.chat.message import read_messages
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt, find_system_prompt
from tuner.shapes.chat.tools import find_tools_column, read_row_tools
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.texts import read_required


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCallsShape:
    """The model learns the calls in `answers`, given `query` and the tools."""

    query: str
    answers: str
    tools_column: str
    system: SystemPrompt = NO_SYSTEM_PROMPT
    name: str = "function calls"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self.system.columns, self.query, self.answers, self.tools_column)

    def to_record(self, row: Row) -> Conversation:
        """The conversation of `row`.

        Raises:
            RowFault: EMPTY or MALFORMED.
        """
        where = f"column {self.answers}"
        call = {"role": "function_call", "content": row.values.get(self.answers)}
        question = text_message("user", read_required(row.values, self.query))
        return build_conversation(
            [question, *read_messages(call, where)],
            where,
            system=self.system.read(row.values),
            tools=read_row_tools(row.values, self.tools_column),
        )


def find_function_calls(columns: Columns, config: DatasetConfig) -> Iterator[FunctionCallsShape]:
    """The shape of a file with queries, tools and calls."""
    query, answers = columns.find_first(("query", "question")), columns.find("answers")
    tools = find_tools_column(columns)
    if query is not None and answers is not None and tools is not None:
        system = find_system_prompt(columns, config)
        yield FunctionCallsShape(query=query, answers=answers, tools_column=tools, system=system)
