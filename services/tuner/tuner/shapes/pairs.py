"""A question and its answer, in two columns of whatever usual names."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kaito_training.sections import DatasetConfig
from tuner.data.record import Completion, Conversation
from tuner.data.row import Row
from tuner.shapes.columns import Columns
from tuner.shapes.conversation import build_conversation, text_message
from tuner.shapes.conversational_pairs import ConversationalPairShape
from tuner.shapes.system_prompt import NO_SYSTEM_PROMPT, SystemPrompt, find_system_prompt
from tuner.shapes.texts import join_paragraphs, read_optional, read_required
from tuner.shapes.tools import TOOL_COLUMNS
from tuner.shapes.turns import is_conversation

PROMPT_COLUMNS = (
    "prompt",
    "instruction",
    "question",
    "query",
    "problem",
    "user",
    "input",
    "inputs",
    "source",
)
ANSWER_COLUMNS = (
    "completion",
    "response",
    "output",
    "answer",
    "solution",
    "assistant",
    "target",
    "targets",
)
# What a question is about. It may be blank.
CONTEXT_COLUMNS = ("input", "context")
SUMMARY_COLUMNS = (
    ("dialogue", "summary"),
    ("document", "summary"),
    ("article", "summary"),
    ("article", "highlights"),
    ("article", "abstract"),
    ("text", "summary"),
)
# Names by which these shapes are known.
_NAMES = {
    ("prompt", None, "completion"): "prompt-completion",
    ("instruction", None, "output"): "alpaca",
    ("instruction", "input", "output"): "alpaca",
    ("instruction", "context", "response"): "dolly",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShape:
    """The model learns `answer`, given `prompt` and, after a blank line, `context`."""

    name: str
    prompt: str
    answer: str
    context: str | None = None
    system: SystemPrompt = NO_SYSTEM_PROMPT

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        context = (self.context,) if self.context else ()
        return (*self.system.columns, self.prompt, *context, self.answer)

    def to_record(self, row: Row) -> Completion | Conversation:
        """The pair of `row`; a conversation if it has a system prompt.

        Raises:
            RowFault: EMPTY or MALFORMED.
        """
        prompt = join_paragraphs(
            read_required(row.values, self.prompt), read_optional(row.values, self.context)
        )
        answer = read_required(row.values, self.answer)
        return as_record(prompt, answer, self.system.read(row.values))


def as_record(prompt: str, answer: str, system: str) -> Completion | Conversation:
    """A pair, or the conversation of a system prompt and a pair."""
    if not system:
        return Completion(prompt, answer)
    messages = [text_message("user", prompt), text_message("assistant", answer)]
    return build_conversation(messages, "the row", system=system)


def find_pair(
    columns: Columns, config: DatasetConfig
) -> Iterator[PairShape | ConversationalPairShape]:
    """The shapes of a file with columns of usual names for questions and answers, best first."""
    for prompt_name in PROMPT_COLUMNS:
        for answer_name in ANSWER_COLUMNS:
            prompt, answer = columns.find(prompt_name), columns.find(answer_name)
            if prompt is None or answer is None:
                continue
            context_name, context = _context(prompt_name, columns)
            name = _NAMES.get(
                (prompt_name, context_name, answer_name), f"{prompt_name}-{answer_name}"
            )
            shape = pair_shape(name, prompt, answer, columns, config)
            yield replace(shape, context=context) if isinstance(shape, PairShape) else shape


def find_summary(columns: Columns, config: DatasetConfig) -> Iterator[PairShape]:
    """The shapes of a file with texts and their summaries."""
    for text_name, summary_name in SUMMARY_COLUMNS:
        text, summary = columns.find(text_name), columns.find(summary_name)
        if text is not None and summary is not None and columns.holds_text(text):
            yield PairShape(
                name=f"{text_name}-{summary_name}",
                prompt=text,
                answer=summary,
                system=find_system_prompt(columns, config),
            )


def pair_shape(
    name: str, prompt: str, answer: str, columns: Columns, config: DatasetConfig
) -> PairShape | ConversationalPairShape:
    """The shape of a file with questions in `prompt` and answers in `answer`."""
    system = find_system_prompt(columns, config)
    if any(is_conversation(value) for value in columns.values(prompt) + columns.values(answer)):
        return ConversationalPairShape(
            name=f"conversational {name}",
            prompt=prompt,
            answer=answer,
            tools_column=columns.find_first(TOOL_COLUMNS),
            system=system,
        )
    return PairShape(name=name, prompt=prompt, answer=answer, system=system)


def _context(prompt: str, columns: Columns) -> tuple[str | None, str | None]:
    """The column of contexts: its usual name, and as it is spelled."""
    for name in CONTEXT_COLUMNS:
        found = columns.find(name)
        if name != prompt and found is not None and columns.holds_text(found):
            return name, found
    return None, None
