"""The messages in one item of a conversation, in any form that people write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.rows.record import Message
from tuner.shapes.chat.content import Content, read_content, read_result
from tuner.shapes.chat.roles import CALL_ROLES, ROLES, expected_role, fold_role, is_role
from tuner.shapes.chat.tools import read_tool_calls
from tuner.shapes.values.embedded import as_json
from tuner.shapes.values.faults import empty, malformed
from tuner.shapes.values.texts import is_null

ROLE_KEYS = ("role", "from", "speaker")
CONTENT_KEYS = ("content", "value", "text", "parts")
# Of OpenAI and Mistral, and of Axolotl: whether the model learns the message.
_FLAG_KEYS = ("weight", "train")
# The second is OpenAI's form before there were tools.
_CALL_KEYS = ("tool_calls", "function_call")
_OWN_KEYS = frozenset((*ROLE_KEYS, *CONTENT_KEYS, *_FLAG_KEYS, *_CALL_KEYS))


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message as chat templates take it, and whether the model learns it."""

    message: Message
    trained: bool = True

    @property
    def role(self) -> str:
        """system, user, assistant or tool."""
        return str(self.message["role"])

    @property
    def is_answer(self) -> bool:
        """True if the assistant speaks."""
        return self.role == "assistant"


def is_message(value: Any) -> bool:
    """True if `value` has the keys of a message."""
    return isinstance(value, Mapping) and all(
        any(key in value for key in keys) for keys in (ROLE_KEYS, (*CONTENT_KEYS, *_CALL_KEYS))
    )


def read_messages(value: Any, where: str) -> Iterator[ReadMessage]:
    """The message in `value`, after the results of tools that it carries.

    A blank system message is left out: it says nothing.

    Raises:
        RowFault: MALFORMED or EMPTY.
    """
    if not isinstance(value, Mapping):
        raise malformed(where, value, "it must be {role, content}")
    name = _role_name(value, where)
    role = "assistant" if name in CALL_ROLES else ROLES[name]
    key = next((key for key in CONTENT_KEYS if value.get(key) is not None), "content")
    content = _content(value, name, f"{where}.{key}", value.get(key))
    content.calls += _tool_calls(value, where)
    for result in content.results:
        yield ReadMessage(as_json(result))
    if not content.text.strip() and not content.calls and role != "tool":
        if role == "system" or content.results:
            return
        expected = "it must hold text" + (" or call a tool" if role == "assistant" else "")
        raise empty(f"{where}.{key}", value.get(key), expected)
    yield ReadMessage(_message(role, content, value), _is_trained(value, where))


def _content(value: Mapping[str, Any], name: str, where: str, content: Any) -> Content:
    if name in CALL_ROLES:
        return Content(calls=read_tool_calls(content, where))
    if ROLES[name] == "tool":
        return Content([read_result(content, where)])
    return read_content(content, where)


def _message(role: str, content: Content, value: Mapping[str, Any]) -> Message:
    # What else a template may know: name, tool_call_id, reasoning_content, thinking, ...
    others = {key: item for key, item in value.items() if key not in _OWN_KEYS}
    message = {"role": role, "content": content.text, **as_json(others)}
    if content.reasoning:
        message["reasoning_content"] = "\n".join(content.reasoning)
    if content.calls:
        message["tool_calls"] = content.calls
    return message


def _role_name(value: Mapping[str, Any], where: str) -> str:
    key = next((key for key in ROLE_KEYS if value.get(key) is not None), "role")
    role = value.get(key)
    name = fold_role(role)
    if not is_role(role):
        raise malformed(f"{where}.{key}", role, expected_role(role))
    return name


def _tool_calls(value: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    key = next((key for key in _CALL_KEYS if value.get(key)), None)
    return read_tool_calls(value[key], f"{where}.{key}") if key else []


def _is_trained(value: Mapping[str, Any], where: str) -> bool:
    for key in _FLAG_KEYS:
        flag = value.get(key)
        if not is_null(flag) and flag not in (0, 1):
            raise malformed(f"{where}.{key}", flag, "use 1 to train on the message, or 0 not to")
    return all(value.get(key) != 0 for key in _FLAG_KEYS)
