"""The contract's requests in this package's own types. Pure."""

from collections.abc import Mapping
from typing import Any

from kaito.inference.v1 import inference_pb2 as pb
from model_server import options
from model_server.contract.conversation_rules import check_conversation
from model_server.engine import (
    ChatMessage,
    Conversation,
    Prompt,
    StructuredOutput,
    TokenIds,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from model_server.errors import InvalidRequest
from model_server.options import GenerationOptions
from model_server.text.json_text import parse_json

_TOOL_MODES = {
    pb.ToolChoice.MODE_UNSPECIFIED: ToolMode.AUTO,
    pb.ToolChoice.MODE_AUTO: ToolMode.AUTO,
    pb.ToolChoice.MODE_NONE: ToolMode.NONE,
    pb.ToolChoice.MODE_REQUIRED: ToolMode.REQUIRED,
}
MAX_PRIORITY = 1000
_NO_SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {}}


def parse_prompt(request: pb.GenerateRequest | pb.TokenizeRequest) -> Prompt:
    """The prompt, the conversation or the tokens.

    Raises:
        InvalidRequest: there is none, or it is empty or malformed.
    """
    match request.WhichOneof("input"):
        case "prompt":
            if not request.prompt:
                raise InvalidRequest("prompt", "", "must not be empty")
            return request.prompt
        case "chat":
            return _parse_chat(request.chat)
        case "token_ids":
            assert isinstance(request, pb.GenerateRequest)
            if not request.token_ids.ids:
                raise InvalidRequest("token_ids.ids", [], "at least one token is required")
            return TokenIds(tuple(request.token_ids.ids))
        case _:
            raise InvalidRequest("input", None, "set prompt or chat")


def parse_options(message: pb.GenerationOptions) -> GenerationOptions:
    """The options that are set, within their bounds.

    Raises:
        InvalidRequest: an option is out of bounds.
    """
    # ListFields leaves unset fields out; lists and maps have no unset state.
    given = {field.name: value for field, value in message.ListFields() if not field.is_repeated}
    parsed = GenerationOptions(
        **given, stop=tuple(message.stop), logit_bias=dict(message.logit_bias)
    )
    options.validate(parsed)
    return parsed


def parse_structured_output(message: pb.StructuredOutput) -> StructuredOutput | None:
    """What the answer has to match, if anything.

    Raises:
        InvalidRequest: nothing could match it.
    """
    name = message.WhichOneof("format")
    if name is None:
        return None
    value: Any = tuple(message.choice.texts) if name == "choice" else getattr(message, name)
    if not value or (name == "choice" and not all(value)):
        raise InvalidRequest(f"structured_output.{name}", value, "must not be empty or false")
    return StructuredOutput(**{name: value})


def parse_priority(priority: int) -> int:
    """The priority, within its bounds.

    Raises:
        InvalidRequest: it is out of bounds.
    """
    if not -MAX_PRIORITY <= priority <= MAX_PRIORITY:
        raise InvalidRequest(
            "priority", priority, f"must be between {-MAX_PRIORITY} and {MAX_PRIORITY}"
        )
    return priority


def _parse_chat(chat: pb.Chat) -> Conversation:
    if not chat.messages:
        raise InvalidRequest("chat.messages", [], "at least one message is required")
    conversation = Conversation(
        messages=tuple(map(_parse_message, chat.messages)),
        tools=tuple(_parse_tool(index, tool) for index, tool in enumerate(chat.tools)),
        tool_choice=ToolChoice(
            mode=_parse_tool_mode(chat.tool_choice.mode),
            name=chat.tool_choice.name,
            single_call=chat.tool_choice.single_call,
        ),
        template_arguments=_parse_object("chat.template_arguments", chat.template_arguments),
        continue_final_message=chat.continue_final_message,
    )
    check_conversation(conversation)
    return conversation


def _parse_message(message: pb.ChatMessage) -> ChatMessage:
    return ChatMessage(
        role=message.role,
        content=message.content,
        tool_calls=tuple(
            ToolCall(call.id, call.name, call.arguments) for call in message.tool_calls
        ),
        tool_call_id=message.tool_call_id,
        name=message.name,
        reasoning=message.reasoning,
    )


def _parse_tool(index: int, tool: pb.Tool) -> Tool:
    where = f"chat.tools[{index}]"
    parameters = _parse_object(f"{where}.parameters", tool.parameters) or _NO_SCHEMA
    return Tool(tool.name, tool.description, parameters, tool.strict)


def _parse_tool_mode(mode: pb.ToolChoice.Mode) -> ToolMode:
    if mode not in _TOOL_MODES:
        raise InvalidRequest("chat.tool_choice.mode", mode, "is unknown; set AUTO, NONE, REQUIRED")
    return _TOOL_MODES[mode]


def _parse_object(where: str, text: str) -> dict[str, Any]:
    """The JSON object in `text`; empty text is an empty object."""
    if not text:
        return {}
    try:
        value = parse_json(text)
    except ValueError as error:
        raise InvalidRequest(where, text[:64], f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequest(where, text[:64], "is not a JSON object")
    return value
