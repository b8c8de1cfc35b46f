"""Preferences, as for DPO: the model learns the answer that was chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Lesson, Text
from tuner.rows.row import Row
from tuner.shapes.chat.conversation import build_conversation, train_last_turn
from tuner.shapes.chat.dialogue import is_dialogue, read_dialogue
from tuner.shapes.chat.message import ReadMessage
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt, find_system_prompt
from tuner.shapes.chat.tools import find_tools_column, read_row_tools
from tuner.shapes.chat.turns import is_conversation
from tuner.shapes.pairs.conversational_pairs import read_side
from tuner.shapes.pairs.pair_columns import PROMPT_COLUMNS
from tuner.shapes.pairs.pairs import as_record
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.faults import empty
from tuner.shapes.values.texts import read_required


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceShape:
    """The model learns `chosen`, given `prompt`; of a conversation, the last turn.

    Texts may repeat the prompt in front of each answer (`repeats_prompt`).
    """

    chosen: str
    prompt: str | None = None
    repeats_prompt: bool = False
    tools_column: str | None = None
    system: SystemPrompt = NO_SYSTEM_PROMPT
    name: str = "preference"

    @property
    def answer(self) -> str:
        """The column of the answer."""
        return self.chosen

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        prompt = (self.prompt,) if self.prompt else ()
        tools = (self.tools_column,) if self.tools_column else ()
        return (*self.system.columns, *prompt, self.chosen, *tools)

    def to_record(self, row: Row) -> Lesson:
        """What `row` prefers.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        chosen = row.values.get(self.chosen)
        prompt = row.values.get(self.prompt) if self.prompt else None
        where = f"column {self.chosen}"
        system = self.system.read(row.values)
        dialogue = _dialogue(prompt, chosen)
        if dialogue is not None:
            messages = read_dialogue(dialogue, where)
        elif _is_text(chosen) and _is_text(prompt):
            return self._text_record(row, system)
        else:
            messages = self._messages(prompt, chosen, where)
        tools = read_row_tools(row.values, self.tools_column)
        return build_conversation(train_last_turn(messages), where, system=system, tools=tools)

    def _messages(self, prompt: Any, chosen: Any, where: str) -> list[ReadMessage]:
        messages = read_side(chosen, where, "assistant")
        if self.prompt is None:
            return messages
        if not _repeats_question(prompt, messages):
            return [*read_side(prompt, f"column {self.prompt}", "user"), *messages]
        if not is_conversation(prompt) or any(read.role == "system" for read in messages):
            return messages
        asked = read_side(prompt, f"column {self.prompt}", "user")
        return [*(read for read in asked if read.role == "system"), *messages]

    def _text_record(self, row: Row, system: str) -> Lesson:
        prompt = read_required(row.values, self.prompt) if self.prompt else ""
        answer = read_required(row.values, self.chosen)
        if self.repeats_prompt:
            answer = answer.removeprefix(prompt)
        if not answer.strip():
            raise empty(f"what follows the prompt in column {self.chosen}", answer)
        return as_record(prompt, answer, system) if prompt else Text(answer)


def _dialogue(prompt: Any, chosen: Any) -> str | None:
    """The dialogue in `chosen`, or in both, if they are written as one."""
    texts = [chosen, f"{prompt}{chosen}"] if isinstance(chosen, str) else []
    return next((text for text in texts if is_dialogue(text)), None)


def _repeats_prompt(prompt: Any, chosen: Any, rejected: Any) -> bool:
    # An answer alone may begin like its prompt by chance.
    texts = (chosen, rejected)
    return isinstance(prompt, str) and all(str(text).startswith(prompt) for text in texts)


def _repeats_question(prompt: Any, messages: Sequence[ReadMessage]) -> bool:
    """Some files repeat the prompt in front of the answer, and some do not.

    An answer may have more turns of the user behind its first one.
    """
    first = next((read for read in messages if read.role != "system"), None)
    return (first is not None and first.role == "user") or any(
        read.role == "user" and read.message["content"] == prompt for read in messages
    )


def _is_text(value: Any) -> bool:
    return not isinstance(value, list | tuple | Mapping) and not is_conversation(value)


def find_preference(columns: Columns, config: DatasetConfig) -> Iterator[PreferenceShape]:
    """The shape of a file with answers that were chosen and rejected."""
    chosen, rejected = columns.find("chosen"), columns.find("rejected")
    prompt = columns.find_first(PROMPT_COLUMNS)
    if prompt is not None and not any(str(value).strip() for value in columns.values(prompt)):
        # Whole dialogues, beside a column for prompts that nobody filled.
        prompt = None
    if chosen is not None and rejected is not None:
        rows = columns.rows(prompt, chosen, rejected) if prompt is not None else []
        yield PreferenceShape(
            chosen=chosen,
            prompt=prompt,
            repeats_prompt=bool(rows) and all(_repeats_prompt(*row) for row in rows),
            tools_column=find_tools_column(columns),
            system=find_system_prompt(columns, config),
        )
