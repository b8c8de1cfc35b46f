"""Conversations and tools in the forms that datasets have them."""

from typing import Any

from tests.tuner.shapes.rows import ASSISTANT, SYSTEM, USER
from tuner.rows.record import Conversation

PLAIN = Conversation((USER, ASSISTANT))
BRIEF = Conversation((SYSTEM, USER, ASSISTANT))
ARGUMENTS = {"city": "Rome"}
CALL = {"type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
CALLED = Conversation((USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}))
TOOL = {"type": "function", "function": {"name": "weather"}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL_WITH_SCHEMA = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}


def human(text: Any) -> dict[str, Any]:
    return {"from": "human", "value": text}


def gpt(text: Any) -> dict[str, Any]:
    return {"from": "gpt", "value": text}


def with_calls(calls: Any, **message: Any) -> list[dict[str, Any]]:
    return [USER, {"role": "assistant", "content": None, "tool_calls": calls, **message}]
