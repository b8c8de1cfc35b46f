"""A request for a response as one for a chat completion, with the names of its parts. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from inference_gateway.formats.openai_chat_schema import ChatCompletionRequest
from inference_gateway.formats.responses.items_schema import (
    FunctionCallItem,
    FunctionCallOutputItem,
    MessageItem,
    ReasoningItem,
    content_text,
)
from inference_gateway.formats.responses.schema import (
    AllowedToolsChoice,
    FunctionChoice,
    JsonSchemaTextFormat,
    ResponsesRequest,
)

# Names of chat completions, and the same in this API. Longer ones first.
_NAMES: Mapping[str, str] = {
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "logprobs": "include",
    "tool_choice.function.name": "tool_choice.name",
    "tool_choice.allowed_tools.tools": "tool_choice.tools",
}

_Message = dict[str, Any]


def to_chat_request(body: ResponsesRequest) -> tuple[ChatCompletionRequest, list[str]]:
    """The request, and where the client has each of its messages: instructions, input, input.3."""
    messages, places = _messages(body)
    request = ChatCompletionRequest.model_validate(
        {
            "model": body.model,
            "messages": messages,
            "max_completion_tokens": body.max_output_tokens,
            "temperature": body.temperature,
            "top_p": body.top_p,
            "logprobs": body.wants_logprobs,
            "top_logprobs": body.top_logprobs if body.wants_logprobs else None,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                        # True by default in this API, unlike in chat completions.
                        "strict": tool.strict is not False,
                    },
                }
                for tool in body.tools or ()
            ],
            "tool_choice": _tool_choice(body),
            "parallel_tool_calls": body.parallel_tool_calls if body.tools else None,
            "response_format": _response_format(body),
            "reasoning_effort": body.reasoning.effort if body.reasoning else None,
            "stream": body.stream,
        }
    )
    return request, places


def sent_name(name: str, places: list[str]) -> str:
    """The name in this API of a parameter of chat completions."""
    if found := re.fullmatch(r"messages\.(\d+)(.*)", name):
        return places[int(found[1])] + _ITEM_PARTS.get(found[2], "")
    if name == "messages":
        return "input"
    for chat, here in _NAMES.items():
        if name == chat or name.startswith(f"{chat}."):
            return here + name.removeprefix(chat)
    if name.startswith("tools."):
        return name.replace(".function", "", 1)
    return name


# Parts of messages that are parts of items of the same name. Of others the item is named.
_ITEM_PARTS = {".role": ".role", ".content": ".content", ".tool_call_id": ".call_id"}


def _messages(body: ResponsesRequest) -> tuple[list[_Message], list[str]]:
    messages: list[_Message] = []
    places: list[str] = []
    if body.instructions:
        messages.append({"role": "developer", "content": body.instructions})
        places.append("instructions")
    if isinstance(body.input, str):
        return [*messages, {"role": "user", "content": body.input}], [*places, "input"]
    reasoning = ""
    for index, item in enumerate(body.input):
        if isinstance(item, ReasoningItem):
            reasoning += item.text
            continue
        last = messages[-1] if messages else {}
        message = _message(item)
        # One turn of the assistant: its text and its calls are items of their own here.
        if isinstance(item, FunctionCallItem) and last.get("role") == "assistant":
            last.setdefault("tool_calls", []).extend(message["tool_calls"])
            continue
        if reasoning and message["role"] == "assistant":
            message["reasoning_content"], reasoning = reasoning, ""
        messages.append(message)
        places.append(f"input.{index}")
    return messages, places


def _message(item: MessageItem | FunctionCallItem | FunctionCallOutputItem) -> _Message:
    match item:
        case MessageItem():
            return {"role": item.role, "content": content_text(item.content)}
        case FunctionCallItem():
            function = {"name": item.name, "arguments": item.arguments}
            call = {"id": item.call_id, "type": "function", "function": function}
            return {"role": "assistant", "content": None, "tool_calls": [call]}
        case FunctionCallOutputItem():
            text = content_text(item.output)
            return {"role": "tool", "content": text, "tool_call_id": item.call_id}


def _tool_choice(body: ResponsesRequest) -> Any:
    match body.tool_choice:
        case FunctionChoice(name=name):
            return {"type": "function", "function": {"name": name}}
        case AllowedToolsChoice(mode=mode, tools=tools):
            named = [{"type": "function", "function": {"name": each.name}} for each in tools]
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": named}}
        case choice:
            return choice


def _response_format(body: ResponsesRequest) -> Any:
    found = body.text.format if body.text else None
    if isinstance(found, JsonSchemaTextFormat):
        return {
            "type": "json_schema",
            "json_schema": {"name": found.name, "schema": found.json_schema},
        }
    return found.model_dump() if found else None
