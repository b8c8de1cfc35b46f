"""One message of a conversation, in any form that people write."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.data.record import Message
from tuner.shapes.embedded import without_nulls
from tuner.shapes.faults import empty, malformed
from tuner.shapes.roles import CALL_ROLES, ROLES
from tuner.shapes.texts import as_text
from tuner.shapes.tools import read_tool_calls

ROLE_KEYS = ("role", "from")
CONTENT_KEYS = ("content", "value")
# Of OpenAI and Mistral, and of Axolotl: whether the model learns the message.
_FLAG_KEYS = ("weight", "train")
_OWN_KEYS = frozenset((*ROLE_KEYS, *CONTENT_KEYS, *_FLAG_KEYS, "tool_calls", "function_call"))


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message as chat templates take it, and whether the model learns it."""

    message: Message
    trained: bool = True

    @property
    def is_answer(self) -> bool:
        """True if the assistant speaks."""
        return bool(self.message["role"] == "assistant")


def is_message(value: Any) -> bool:
    """True if `value` has the keys of a message."""
    return isinstance(value, Mapping) and all(
        any(key in value for key in keys) for keys in (ROLE_KEYS, (*CONTENT_KEYS, "tool_calls"))
    )


def read_message(value: Any, where: str) -> ReadMessage | None:
    """The message in `value`; None if it is a blank system message, which says nothing.

    Raises:
        RowFault: MALFORMED or EMPTY.
    """
    if not isinstance(value, Mapping):
        raise malformed(where, value, "it must be {role, content}")
    name = _role_name(value, where)
    role = "assistant" if name in CALL_ROLES else ROLES[name]
    content_key = next((key for key in CONTENT_KEYS if value.get(key) is not None), "content")
    content = value.get(content_key)
    calls = _tool_calls(value, where)
    if name in CALL_ROLES:
        calls, content = read_tool_calls(content, f"{where}.{content_key}"), None
    text = _text(content, role, f"{where}.{content_key}")
    if not text.strip() and not calls and role != "tool":
        if role == "system":
            return None
        raise empty(f"{where}.{content_key}", content)
    # What else a template may know: name, tool_call_id, reasoning_content, thinking, ...
    others = {key: item for key, item in value.items() if key not in _OWN_KEYS}
    message = {"role": role, "content": text, **without_nulls(others)}
    if calls:
        message["tool_calls"] = calls
    return ReadMessage(message, _is_trained(value, where))


def _role_name(value: Mapping[str, Any], where: str) -> str:
    key = next((key for key in ROLE_KEYS if value.get(key) is not None), "role")
    role = value.get(key)
    name = role.strip().casefold() if isinstance(role, str) else ""
    if name not in ROLES and name not in CALL_ROLES:
        known = ", ".join([*ROLES, *sorted(CALL_ROLES)])
        raise malformed(f"{where}.{key}", role, f"use one of: {known}")
    return name


def _tool_calls(value: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    if value.get("tool_calls"):
        return read_tool_calls(value["tool_calls"], f"{where}.tool_calls")
    # OpenAI's form before there were tools.
    if value.get("function_call"):
        return read_tool_calls(value["function_call"], f"{where}.function_call")
    return []


def _text(content: Any, role: str, where: str) -> str:
    is_list = isinstance(content, Sequence) and not isinstance(content, str | bytes)
    if role == "tool" and (isinstance(content, Mapping) or (is_list and not _has_parts(content))):
        return json.dumps(content, ensure_ascii=False, default=str)
    if is_list:
        # The gateway joins the parts of a request in the same way.
        return "\n".join(_part(part, f"{where}[{index}]") for index, part in enumerate(content))
    text = as_text(content)
    if text is None:
        raise malformed(where, content, "it must be text, or a list of text parts")
    return text


def _has_parts(content: Sequence[Any]) -> bool:
    return all(isinstance(part, Mapping) and "type" in part for part in content)


def _part(part: Any, where: str) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, Mapping) else None
    if kind not in ("text", "input_text", "output_text"):
        raise malformed(where, part, "only text can be trained on: remove images, audio and files")
    text = as_text(part.get("text"))
    if text is None:
        raise malformed(f"{where}.text", part.get("text"), "it must be text")
    return text


def _is_trained(value: Mapping[str, Any], where: str) -> bool:
    for key in _FLAG_KEYS:
        flag = value.get(key)
        if flag is None:
            continue
        if flag not in (0, 1):
            raise malformed(f"{where}.{key}", flag, "use 1 to train on the message, or 0 not to")
        if not flag:
            return False
    return True
