"""Finds pairs of question and answer by the names of their columns."""

from collections.abc import Iterator

from kaito_training.sections import DatasetConfig
from tuner.shapes.chat.history import find_history
from tuner.shapes.chat.message import is_message
from tuner.shapes.chat.system_prompt import find_system_prompt
from tuner.shapes.chat.tools import find_tools_column
from tuner.shapes.chat.turns import is_conversation
from tuner.shapes.pairs.context import NO_CONTEXT, Context, find_context
from tuner.shapes.pairs.conversational_pairs import ConversationalPairShape
from tuner.shapes.pairs.pair_columns import (
    PAIRS,
    SUMMARY_COLUMNS,
    pair_name,
)
from tuner.shapes.pairs.pairs import PairShape
from tuner.shapes.pairs.unpaired_preference import desired_only
from tuner.shapes.shape import Shape
from tuner.shapes.values.columns import Columns


def find_pair(columns: Columns, config: DatasetConfig) -> Iterator[Shape]:
    """The shapes of a file with columns of usual names for questions and answers, best first."""
    for prompt_name, answer_name in PAIRS:
        prompt, answer = columns.find(prompt_name), columns.find(answer_name)
        if prompt is None or answer is None:
            continue
        context = find_context(prompt_name, columns)
        name = pair_name(prompt_name, context.name, answer_name)
        shape = pair_shape(name, prompt, answer, columns, config, context=context)
        yield desired_only(shape, columns)


def find_summary(columns: Columns, config: DatasetConfig) -> Iterator[PairShape]:
    """The shapes of a file with texts and their summaries."""
    for text_name, summary_name in SUMMARY_COLUMNS:
        text, summary = columns.find(text_name), columns.find(summary_name)
        if text is not None and summary is not None and columns.holds_text(text):
            name = pair_name(text_name, None, summary_name)
            system = find_system_prompt(columns, config)
            yield PairShape(name=name, prompt=text, answer=summary, system=system)


def pair_shape(
    name: str,
    prompt: str,
    answer: str,
    columns: Columns,
    config: DatasetConfig,
    *,
    context: Context = NO_CONTEXT,
) -> PairShape | ConversationalPairShape:
    """The shape of a file with questions in `prompt` and answers in `answer`."""
    system = find_system_prompt(columns, config)
    values = columns.values(prompt) + columns.values(answer)
    if any(is_message(value) or is_conversation(value) for value in values):
        return ConversationalPairShape(
            name=f"conversational {name}",
            prompt=prompt,
            answer=answer,
            tools_column=find_tools_column(columns),
            system=system,
        )
    return PairShape(
        name=name,
        prompt=prompt,
        answer=answer,
        context=context,
        history=find_history(columns),
        system=system,
    )
