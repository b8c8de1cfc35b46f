"""A conversation as part of the body of a chat completion. Pure."""

from typing import Any

from model_server.engine import ChatMessage, Conversation, Tool, ToolChoice, ToolMode
from model_server.engine_server.roles import check_role

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def chat_body(conversation: Conversation, fields: frozenset[str]) -> dict[str, Any]:
    """Messages and tools, for a server that takes these fields.

    Raises:
        InvalidRequest: a role is not known.
    """
    body: dict[str, Any] = {
        "messages": [_message(*each) for each in enumerate(conversation.messages)]
    }
    if conversation.tools:
        # vLLM enforces the schema of a call that it requires only if the tool is strict.
        enforced = conversation.tool_choice.mode is ToolMode.REQUIRED and (
            "structured_outputs" in fields
        )
        body["tools"] = [_tool(tool, tool.strict or enforced) for tool in conversation.tools]
        body["tool_choice"] = _tool_choice(conversation.tool_choice)
        if conversation.tool_choice.single_call:
            body["parallel_tool_calls"] = False
    if conversation.template_arguments:
        body["chat_template_kwargs"] = dict(conversation.template_arguments)
    if conversation.continue_final_message:
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def _message(index: int, message: ChatMessage) -> dict[str, Any]:
    check_role(index, message, _ROLES)
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    optional = {
        "tool_call_id": message.tool_call_id,
        "name": message.name,
        "reasoning": message.reasoning,
    }
    return body | {name: value for name, value in optional.items() if value}


def _tool(tool: Tool, strict: bool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": strict,
    }
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.name and choice.mode is ToolMode.REQUIRED:
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode.value
