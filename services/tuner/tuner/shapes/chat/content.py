"""The content of a message: text, or a list of parts as the APIs of OpenAI and others have it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.rows.record import Message
from tuner.shapes.chat.tools import read_call
from tuner.shapes.values.faults import malformed
from tuner.shapes.values.texts import to_text

_TEXT_TYPES = ("text", "input_text", "output_text")


@dataclass(slots=True)
class Content:
    """What a message says. `results` are messages of tools that it carries, as Anthropic's do."""

    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[Message] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All texts. The gateway joins the parts of a request in the same way."""
        return "\n".join(self.texts)


def read_content(value: Any, where: str) -> Content:
    """The content `value`.

    Raises:
        RowFault: MALFORMED.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return Content([to_text(value, where)])
    content = Content()
    for index, part in enumerate(value):
        _add_part(content, part, f"{where}[{index}]")
    return content


def read_result(value: Any, where: str) -> str:
    """What a tool returned, as text: text, parts, or any other value as JSON.

    Raises:
        RowFault: MALFORMED.
    """
    if isinstance(value, Mapping) or (isinstance(value, list) and not _are_parts(value)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return read_content(value, where).text


def _add_part(content: Content, part: Any, where: str) -> None:
    if isinstance(part, str):
        content.texts.append(part)
        return
    kind = part.get("type") or "text" if isinstance(part, Mapping) else None
    if kind in _TEXT_TYPES and part.get("text") is not None:
        content.texts.append(to_text(part["text"], f"{where}.text"))
    elif kind == "thinking":
        content.reasoning.append(to_text(part.get("thinking"), f"{where}.thinking"))
    elif kind == "tool_use":
        content.calls.append(read_call(part, where))
    elif kind == "tool_result":
        result = read_result(part.get("content"), f"{where}.content")
        identity = part.get("tool_use_id")
        content.results.append({"role": "tool", "content": result, "tool_call_id": identity})
    else:
        raise malformed(where, part, "only text can be trained on: remove images, audio and files")


def _are_parts(value: list[Any]) -> bool:
    return all(isinstance(part, Mapping) and part.get("type") in _TEXT_TYPES for part in value)
