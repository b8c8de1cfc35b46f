"""What the contract demands of a conversation, whatever the engine. Pure."""

import re
from collections.abc import Sequence

from model_server.engine import ChatMessage, Conversation, Tool, ToolChoice, ToolMode
from model_server.errors import InvalidRequest

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
# Each is rendered into the prompt, and is one more alternative for every token of an answer.
MAX_TOOLS = 128


def check_conversation(conversation: Conversation) -> None:
    """Check that messages, tools and the choice of tools fit together.

    Raises:
        InvalidRequest: names the first field that does not.
    """
    for index, message in enumerate(conversation.messages):
        _check_message(f"chat.messages[{index}]", message)
    _check_tools(conversation.tools)
    _check_choice(conversation.tool_choice, conversation.tools)
    last = conversation.messages[-1]
    if conversation.continue_final_message and (last.role != "assistant" or last.tool_calls):
        raise InvalidRequest(
            "chat.continue_final_message",
            True,
            "the last message has to be a text of the assistant; leave it out to begin a new one",
        )


def _check_message(where: str, message: ChatMessage) -> None:
    if not message.role:
        raise InvalidRequest(f"{where}.role", "", "set system, user, assistant or tool")
    if message.tool_calls and message.role != "assistant":
        raise InvalidRequest(
            f"{where}.tool_calls",
            [call.name for call in message.tool_calls],
            f"only the assistant calls tools, and the role is {message.role!r}",
        )
    for index, call in enumerate(message.tool_calls):
        if not call.name:
            raise InvalidRequest(f"{where}.tool_calls[{index}].name", "", "must not be empty")


def _check_tools(tools: Sequence[Tool]) -> None:
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest("chat.tools", f"{len(tools)} tools", f"must be at most {MAX_TOOLS}")
    names: set[str] = set()
    for index, tool in enumerate(tools):
        where = f"chat.tools[{index}].name"
        if not _TOOL_NAME.fullmatch(tool.name):
            raise InvalidRequest(
                where, tool.name, 'must be 1 to 64 letters, digits, "_", "-" and "."'
            )
        if tool.name in names:
            raise InvalidRequest(where, tool.name, "is the name of an earlier tool")
        names.add(tool.name)


def _check_choice(choice: ToolChoice, tools: Sequence[Tool]) -> None:
    if choice.mode is ToolMode.REQUIRED and not tools:
        raise InvalidRequest("chat.tool_choice.mode", "REQUIRED", "there are no chat.tools to call")
    if choice.name and choice.name not in {tool.name for tool in tools}:
        raise InvalidRequest(
            "chat.tool_choice.name",
            choice.name,
            f"is none of chat.tools: {', '.join(tool.name for tool in tools) or 'there are none'}",
        )
