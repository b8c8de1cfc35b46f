"""Renders conversations with the chat template of a model."""

import inspect
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from model_server.engine import ChatMessage, Conversation, Tool, ToolMode
from model_server.errors import InvalidRequest
from model_server.text.json_text import parse_json
from model_server.transformers.template_probe import TEMPLATE_ERRORS, TemplateAbilities, probe

# Conversations whose turns are known to be rendered or not, by their shapes.
_REMEMBERED_CONVERSATIONS = 256
# A turn: its role, and the number of its calls.
_Shape = tuple[str, int]


class ChatTemplate:
    """One model's template."""

    def __init__(self, tokenizer: Any) -> None:
        """Renders a few conversations, to learn what the template can do."""
        self._tokenizer = tokenizer
        # What has a meaning for the method or for the template itself.
        self._reserved = {
            *inspect.signature(tokenizer.apply_chat_template).parameters,
            "messages",
            "tools",
            *tokenizer.special_tokens_map,
        }
        self.abilities: TemplateAbilities = probe(
            lambda messages, tools: self._apply(messages, tools, add_generation_prompt=False),
            lambda text: text in tokenizer.get_added_vocab(),
        )
        self._find_dropped = lru_cache(_REMEMBERED_CONVERSATIONS)(self._look_for_dropped)

    @property
    def features(self) -> frozenset[str]:
        """The fields of the contract that the template can render."""
        messages = {"name", "reasoning", "tool_call_id"}
        if self.abilities.calls:
            messages.add("tool_calls")
        chat = {"template_arguments", "continue_final_message"}
        if self.abilities.tools:
            chat |= {"tools", "tool_choice"}
        return frozenset(
            (*(f"chat.{name}" for name in chat), *(f"chat.messages.{name}" for name in messages))
        )

    def render(self, conversation: Conversation) -> str:
        """The text that the model continues.

        Raises:
            InvalidRequest: the template rejects the conversation, or leaves part of it out.
        """
        self._check_arguments(conversation)
        messages = [
            self._shape(index, message) for index, message in enumerate(conversation.messages)
        ]
        tools = callable_tools(conversation)
        try:
            text = self._apply(
                messages,
                [_describe(tool) for tool in tools] or None,
                add_generation_prompt=not conversation.continue_final_message,
                continue_final_message=conversation.continue_final_message,
                **conversation.template_arguments,
            )
        except TEMPLATE_ERRORS as error:
            raise InvalidRequest(
                "chat.messages",
                [message.role for message in conversation.messages],
                f"the model's chat template rejects them: {error}",
            ) from error
        self._check_dropped(conversation.messages)
        return text

    def _check_arguments(self, conversation: Conversation) -> None:
        for name in conversation.template_arguments:
            if name in self._reserved:
                raise InvalidRequest(
                    "chat.template_arguments",
                    name,
                    "the server sets this variable of the template itself; leave it out",
                )
        if callable_tools(conversation) and not self.abilities.tools:
            raise InvalidRequest(
                "chat.tools",
                [tool.name for tool in conversation.tools],
                "the model's chat template knows no tools",
            )

    def _check_dropped(self, messages: Sequence[ChatMessage]) -> None:
        dropped = self._find_dropped(
            tuple((message.role, len(message.tool_calls)) for message in messages)
        )
        if dropped is None:
            return
        message = messages[dropped]
        field = f"chat.messages[{dropped}]"
        if message.tool_calls:
            raise InvalidRequest(
                f"{field}.tool_calls",
                [call.name for call in message.tool_calls],
                "the model's chat template leaves calls of tools out",
            )
        raise InvalidRequest(
            f"{field}.role",
            message.role,
            "the model's chat template leaves messages of this role out",
        )

    def _look_for_dropped(self, shapes: tuple[_Shape, ...]) -> int | None:
        """The first turn that the template leaves out: most skip roles that they do not know.

        Looks for markers in place of the contents. A content itself may stand elsewhere in the
        text, and templates may rewrite it (cut earlier reasoning, parse JSON). Beside calls a
        content may be left out, as some templates do.
        """
        markers = [f"zqx{index}xqz" for index in range(len(shapes))]
        messages = [
            self._mark(*shape, marker) for shape, marker in zip(shapes, markers, strict=True)
        ]
        try:
            text = self._apply(messages, None, add_generation_prompt=True).casefold()
        except TEMPLATE_ERRORS:
            # The template wants more of a content than text; whether it knows the role is open.
            return None
        return next((index for index, each in enumerate(markers) if each not in text), None)

    def _mark(self, role: str, calls: int, marker: str) -> dict[str, Any]:
        if not calls:
            return {"role": role, "content": marker, "tool_call_id": "zqxcallid"}
        call = self._shape_call("zqxcallid", marker, {})
        return {"role": role, "content": "", "tool_calls": [call] * calls}

    def _shape(self, index: int, message: ChatMessage) -> dict[str, Any]:
        """The message as templates expect it, without what is empty."""
        shaped: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.tool_calls:
            shaped["tool_calls"] = [
                self._shape_call(call.id, call.name, _parse(index, at, call.arguments))
                for at, call in enumerate(message.tool_calls)
            ]
        optional = {
            "tool_call_id": message.tool_call_id,
            "name": message.name,
            # The template also finds it under the other names in use.
            "reasoning_content": message.reasoning,
        }
        return shaped | {key: value for key, value in optional.items() if value}

    def _shape_call(self, call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        shaped: Any = arguments
        if self.abilities.arguments_as_text:
            shaped = json.dumps(arguments, ensure_ascii=False)
        function = {"name": name, "arguments": shaped}
        return {"id": call_id, "type": "function", "function": function}

    def _apply(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None, **arguments: Any
    ) -> str:
        return str(
            self._tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, **arguments)
        )


def callable_tools(conversation: Conversation) -> tuple[Tool, ...]:
    """The tools that the model may call. Only these are rendered."""
    choice = conversation.tool_choice
    if choice.mode is ToolMode.NONE:
        return ()
    return tuple(tool for tool in conversation.tools if choice.name in ("", tool.name))


def _describe(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _parse(index: int, at: int, arguments: str) -> dict[str, Any]:
    try:
        value = parse_json(arguments or "{}")
    except ValueError as error:
        value = error
    if isinstance(value, dict):
        return value
    raise InvalidRequest(
        f"chat.messages[{index}].tool_calls[{at}].arguments", arguments, "is not a JSON object"
    )
