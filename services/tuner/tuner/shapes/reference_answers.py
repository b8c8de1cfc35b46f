"""SQuAD and its relatives: a question, its context, and a list of answers that are right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Completion, Conversation
from tuner.rows.row import LossCause, Row, RowFault
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt, find_system_prompt
from tuner.shapes.pairs.context import NO_CONTEXT, Context, find_context
from tuner.shapes.pairs.pair_columns import PROMPT_COLUMNS
from tuner.shapes.pairs.pairs import as_record, read_prompt
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.embedded import load_embedded
from tuner.shapes.values.faults import empty, malformed
from tuner.shapes.values.texts import to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceAnswersShape:
    """The model learns the first of `answers`, given `prompt` and `context`."""

    prompt: str
    answers: str
    context: Context = NO_CONTEXT
    system: SystemPrompt = NO_SYSTEM_PROMPT
    name: str = "squad"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        context = self.context.columns
        return (*self.system.columns, self.prompt, *context, self.answers)

    def to_record(self, row: Row) -> Completion | Conversation:
        """The question of `row` with its first answer.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        return as_record(
            read_prompt(row.values, self.prompt, self.context),
            _first_answer(row.values.get(self.answers), f"column {self.answers}"),
            self.system.read(row.values),
        )


def find_reference_answers(
    columns: Columns, config: DatasetConfig
) -> Iterator[ReferenceAnswersShape]:
    """The shape of a file with lists of answers."""
    answers = columns.find("answers")
    for name in PROMPT_COLUMNS if answers is not None else ():
        prompt = columns.find(name)
        if answers is not None and prompt is not None:
            yield ReferenceAnswersShape(
                prompt=prompt,
                answers=answers,
                context=find_context(name, columns),
                system=find_system_prompt(columns, config),
            )


def _first_answer(value: Any, where: str) -> str:
    value = load_embedded(value, where)
    texts = value.get("text") if isinstance(value, Mapping) else value
    if not isinstance(texts, Sequence) or isinstance(texts, str | bytes):
        raise malformed(where, value, "it must be a list of answers, or hold one under text")
    if not texts:
        raise RowFault(LossCause.NO_ANSWER, f"{where} is an empty list")
    first = texts[0].get("text") if isinstance(texts[0], Mapping) else texts[0]
    text = to_text(first, f"{where}[0]")
    if not text.strip():
        raise empty(f"{where}[0]", first)
    return text
