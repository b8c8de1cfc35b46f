"""Renders conversations with the model's chat template."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from tuner.examples.control_tokens import ControlTokens
from tuner.rows.record import Message, Tool
from tuner.rows.row import LossCause, RowFault

_PROBE = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})
_PROBE_TOOL = {
    "type": "function",
    "function": {
        "name": "probe",
        "description": "A probe.",
        "parameters": {"type": "object", "properties": {"x": {"type": "string"}}},
    },
}
_PROBE_CALL = {"type": "function", "function": {"name": "probe", "arguments": {"x": "y"}}}


class ChatTemplate:
    """The chat template of `tokenizer`."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def render(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), *, prompt: bool = False
    ) -> str:
        """The text of `messages`. `prompt`: it ends where the assistant begins to answer.

        Raises:
            RowFault: TEMPLATE, the template refuses the conversation.
        """
        if not messages:
            return ""
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    list(messages),
                    tools=list(tools) or None,
                    tokenize=False,
                    add_generation_prompt=prompt,
                )
            )
        except TemplateError as error:
            raise RowFault(LossCause.TEMPLATE, str(error) or type(error).__name__) from error
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            # A template that computes with what a message lacks.
            raise RowFault(LossCause.TEMPLATE, f"{type(error).__name__}: {error}") from error

    def ignores_tools(self) -> bool:
        """Whether the definitions of tools leave no trace in the text."""
        return self._is_same(_PROBE, (), _PROBE, (_PROBE_TOOL,))

    def ignores_tool_calls(self) -> bool:
        """Whether the calls of an answer leave no trace in the text."""
        question, answer = _PROBE
        called = (question, {**answer, "tool_calls": [_PROBE_CALL]})
        return self._is_same(_PROBE, (_PROBE_TOOL,), called, (_PROBE_TOOL,))

    def control_tokens(self) -> ControlTokens:
        """The special tokens, and the other added tokens that separate messages.

        Some models mark users and assistants with tokens that are not special. What occurs
        only in some answers, such as <think>, is not a control token.
        """
        added = self._tokenizer.added_tokens_decoder.values()
        special = {token.content for token in added if token.special}
        if self._tokenizer.chat_template is None:
            return ControlTokens(frozenset(special))
        try:
            texts = self.render(_PROBE[:1], prompt=True), self.render(_PROBE)
        except RowFault:
            return ControlTokens(frozenset(special))
        separating = {
            token.content
            for token in added
            if not token.content.isspace() and all(token.content in text for text in texts)
        }
        return ControlTokens(frozenset(special | separating))

    def _is_same(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        other_messages: Sequence[Message],
        other_tools: Sequence[Tool],
    ) -> bool:
        try:
            return self.render(messages, tools) == self.render(other_messages, other_tools)
        except RowFault:
            # Each conversation gets its own message when it is rendered.
            return False


def structure_of(messages: Sequence[Message], tools: Sequence[Tool]) -> tuple[str, ...]:
    """What a template's text depends on, except for the contents: one text for each message."""
    shared = json.dumps(tools, default=str) if tools else ""
    return (shared, *map(_structure_of_message, messages))


def _structure_of_message(message: Mapping[str, Any]) -> str:
    content = "content" if message.get("content") else "empty"
    if len(message) == 2:
        return f"{message['role']} {content}"
    others = {key: value for key, value in message.items() if key != "content"}
    return f"{json.dumps(others, default=str)} {content}"
