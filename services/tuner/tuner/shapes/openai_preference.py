"""OpenAI's preference format: `input` with messages, `preferred_output` and its opposite."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Conversation
from tuner.rows.row import Row
from tuner.shapes.chat.conversation import build_conversation
from tuner.shapes.chat.message import ReadMessage
from tuner.shapes.chat.tools import read_tools
from tuner.shapes.chat.turns import read_conversation
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.embedded import load_embedded
from tuner.shapes.values.faults import malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIPreferenceShape:
    """The model learns `preferred`, given the messages in `request`."""

    request: str
    preferred: str
    system_prompt: str = ""
    name: str = "OpenAI preference"

    @property
    def answer(self) -> str:
        """The column of the answer."""
        return self.preferred

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.request, self.preferred)

    def to_record(self, row: Row) -> Conversation:
        """The conversation that `row` prefers.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        where = f"column {self.request}"
        request: Any = load_embedded(row.values.get(self.request), where)
        if not isinstance(request, Mapping):
            raise malformed(where, request, "it must be an object with messages")
        asked = read_conversation(request.get("messages"), f"{where}.messages")
        answer = read_conversation(row.values.get(self.preferred), f"column {self.preferred}")
        return build_conversation(
            [*(ReadMessage(read.message, False) for read in asked), *answer],
            f"column {self.preferred}",
            system=self.system_prompt,
            tools=read_tools(request.get("tools"), f"{where}.tools"),
        )


def find_openai_preference(
    columns: Columns, config: DatasetConfig
) -> Iterator[OpenAIPreferenceShape]:
    """The shape of a file in OpenAI's preference format."""
    request, preferred = columns.find("input"), columns.find("preferred_output")
    if request is not None and preferred is not None:
        yield OpenAIPreferenceShape(
            request=request, preferred=preferred, system_prompt=config.system_prompt or ""
        )
