"""Where the answers of a conversation begin and end in the text of the whole conversation.

This holds for templates that only append: the text of the first messages is the beginning of the
text of more messages. Then one example holds all answers, each with the very tokens before it that
it would have in an example of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuner.examples.chat_template import ChatTemplate, structure_of
from tuner.examples.common_prefix import common_text_length
from tuner.examples.control_tokens import ControlTokens
from tuner.examples.layout import Layout, with_placeholders
from tuner.rows.record import Message, Tool
from tuner.rows.row import LossCause, RowFault

# Conversations of the same roles share their layouts; those with calls of tools rarely do.
_REMEMBERED = 2048

_Structure = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Positions in the layout of the whole conversation.

    The prompt of the answer is the text until `start`, and `prompt_tail`, which the template writes
    only after a prompt. The text of the conversation that ends with the answer is that until `end`,
    and perhaps a closing, which the template writes only at the end of a conversation.
    """

    start: int
    end: int
    prompt_tail: str = ""


@dataclass(frozen=True, slots=True)
class TurnLayout:
    """The layout of a conversation. `answers` is None if the template does not only append."""

    layout: Layout
    answers: tuple[Answer, ...] | None


class TurnLayouts:
    """Finds the layouts of conversations, and remembers them by their structures."""

    def __init__(self, template: ChatTemplate, control: ControlTokens) -> None:
        self._template = template
        self._control = control
        self._found: dict[tuple[_Structure, tuple[int, ...]], TurnLayout] = {}
        self._layouts: dict[tuple[_Structure, bool], Layout] = {}

    def find(
        self, messages: Sequence[Message], tools: Sequence[Tool], answers: tuple[int, ...]
    ) -> TurnLayout:
        """The layout of `messages`, of which the model learns those at the indexes `answers`.

        Raises:
            RowFault: TEMPLATE, the template refuses the conversation or leaves out a message.
        """
        key = structure_of(messages, tools), answers
        found = self._found.get(key)
        if found is None:
            found = self._find(key[0], with_placeholders(messages), tools, answers)
            _remember(self._found, key, found)
        return found

    def _find(
        self,
        structure: _Structure,
        messages: tuple[Message, ...],
        tools: Sequence[Tool],
        answers: tuple[int, ...],
    ) -> TurnLayout:
        whole = self._layout(structure, messages, tools)
        written = whole.contents()
        for index, message in enumerate(messages):
            if message.get("content") and index not in written:
                raise RowFault(
                    LossCause.TEMPLATE,
                    f"it leaves out message {index + 1}, of role {message['role']!r}",
                )
        if len(written) != len(set(written)):
            return TurnLayout(whole, None)
        found = []
        for index in answers:
            prompt = self._layout(structure[: index + 1], messages[:index], tools, prompt=True)
            turn = self._layout(structure[: index + 2], messages[: index + 1], tools)
            answer = find_answer(whole, prompt, turn, index, self._control)
            if answer is None:
                return TurnLayout(whole, None)
            found.append(answer)
        return TurnLayout(whole, tuple(found))

    def _layout(
        self,
        structure: _Structure,
        messages: tuple[Message, ...],
        tools: Sequence[Tool],
        *,
        prompt: bool = False,
    ) -> Layout:
        """`structure` is that of `messages`."""
        key = structure, prompt
        layout = self._layouts.get(key)
        if layout is None:
            layout = Layout(self._template.render(messages, tools, prompt=prompt))
            _remember(self._layouts, key, layout)
        return layout


def find_answer(
    whole: Layout, prompt: Layout, turn: Layout, message: int, control: ControlTokens
) -> Answer | None:
    """Where the answer `message` is in `whole`; None if the template does not only append.

    `prompt` is the layout of the messages before it, and `turn` that of the messages including it.
    """
    start = common_text_length(prompt.text, whole.text)
    if prompt.has_contents(start):
        return None
    end = common_text_length(turn.text, whole.text)
    if end < len(turn.text):
        # A closing follows. It may only be left out if the answer has its own end mark before it.
        marks = [match.span() for match in control.pattern.finditer(turn.text)]
        closing = next((mark for mark in marks if mark[0] <= end < mark[1]), None)
        after_content = max(turn.end_of_content(message), start)
        if closing is None or not any(after_content <= mark[0] < closing[0] for mark in marks):
            return None
        end = closing[0]
    return Answer(start, end, prompt.text[start:]) if start <= end else None


def _remember(memory: dict[Any, Any], key: object, value: object) -> None:
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[key] = value
