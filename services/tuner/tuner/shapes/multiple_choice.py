"""Questions with choices, as MMLU and ARC have them: the model learns the choice that is right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Completion, Conversation
from tuner.rows.row import Row
from tuner.shapes.chat.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt, find_system_prompt
from tuner.shapes.pairs.context import NO_CONTEXT, Context, find_context
from tuner.shapes.pairs.pairs import as_record, read_prompt
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.embedded import load_embedded
from tuner.shapes.values.faults import malformed
from tuner.shapes.values.texts import to_text

_ANSWER_COLUMNS = ("answerKey", "answer_idx", "answer")
Choices = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipleChoiceShape:
    """The model learns "B. text of B", given the question, its context, and the choices."""

    question: str
    choices: str
    answer: str
    context: Context = NO_CONTEXT
    system: SystemPrompt = NO_SYSTEM_PROMPT
    name: str = "multiple choice"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        context = self.context.columns
        return (*self.system.columns, self.question, *context, self.choices, self.answer)

    def to_record(self, row: Row) -> Completion | Conversation:
        """The question of `row` with its right choice.

        Raises:
            RowFault: EMPTY or MALFORMED.
        """
        question = read_prompt(row.values, self.question, self.context)
        choices = _read_choices(row.values.get(self.choices), f"column {self.choices}")
        label = _right_label(row.values.get(self.answer), choices, f"column {self.answer}")
        listed = "\n".join(f"{key}. {text}" for key, text in choices.items())
        answer = f"{label}. {choices[label]}"
        return as_record(f"{question}\n\n{listed}", answer, self.system.read(row.values))


def find_multiple_choice(columns: Columns, config: DatasetConfig) -> Iterator[MultipleChoiceShape]:
    """The shape of a file with questions and choices."""
    question = columns.find_first(("question", "question_stem"))
    choices = columns.find_first(("choices", "options"))
    answer = columns.find_first(_ANSWER_COLUMNS)
    if question is not None and choices is not None and answer is not None:
        yield MultipleChoiceShape(
            question=question,
            choices=choices,
            answer=answer,
            context=find_context("question", columns),
            system=find_system_prompt(columns, config),
        )


def _read_choices(value: Any, where: str) -> Choices:
    """The choices by their labels, which are letters where the row has none."""
    value = load_embedded(value, where)
    labels: Any = ascii_uppercase
    texts: Any = value
    if isinstance(value, Mapping) and "label" in value and "text" in value:
        labels, texts = value["label"], value["text"]
    elif isinstance(value, Mapping):
        labels, texts = list(value), list(value.values())
    if not all(isinstance(each, list | tuple | str) for each in (labels, texts)):
        raise malformed(where, value, "it must be a list of choices")
    if isinstance(texts, str) or not 2 <= len(texts) <= len(labels):
        raise malformed(where, value, "it must be a list of at least two choices")
    return {str(label): to_text(text, where) for label, text in zip(labels, texts, strict=False)}


def _right_label(value: Any, choices: Choices, where: str) -> str:
    """The label that `value` names: itself, the text of its choice, or its number from 0."""
    labels = list(choices)
    text = to_text(value, where).strip()
    # Labels of the row's own are what it refers to: "2" is the second of "1", "2", "3".
    if text in choices and not _are_letters(labels):
        return text
    matches = [label for label, choice in choices.items() if text in (label, choice.strip())]
    # A number is one, even where the choices are numbers, too.
    if text.isdecimal() and int(text) < len(labels) and (isinstance(value, int) or not matches):
        return labels[int(text)]
    if not text or not matches:
        raise malformed(where, value, f"it must name one of {', '.join(labels)}")
    if text in choices and matches != [text]:
        other = next(label for label in matches if label != text)
        expected = f"it is a label, and the text of {other}; use the number of the choice, from 0"
        raise malformed(where, value, expected)
    return matches[0]


def _are_letters(labels: list[str]) -> bool:
    return labels == list(ascii_uppercase[: len(labels)])
