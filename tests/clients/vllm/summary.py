"""An answer in a few words, for the table. Pure."""

import json
from typing import Any

_MAX_CHARACTERS = 60


def is_error(answer: Any) -> bool:
    """Whether the client raised one."""
    return isinstance(answer, dict) and "raised" in answer


def summary(answer: Any) -> str:
    """What a reader looks for first: an error's words, a text, calls, vectors or scores."""
    if is_error(answer):
        return _shorten(f"{answer['status']}: {_words(answer['body'])}")
    if isinstance(answer, list):
        return _shorten(_kinds(answer))
    choices = answer.get("choices") or ()
    if choices:
        return _shorten(", ".join(_choice(each) for each in choices))
    parts = answer.get("output") or answer.get("content")
    if isinstance(parts, list):
        return _shorten(", ".join(map(_part, parts)))
    known = ("final", "data", "results", "embeddings", "tokens", "prompt", "input_tokens")
    name = next((name for name in known if name in answer), None)
    if name == "final":
        return summary(answer[name])
    return _shorten(json.dumps(answer if name is None else answer[name], ensure_ascii=False))


def _part(part: dict[str, Any]) -> str:
    """An item of a response, or a block of a message."""
    if "arguments" in part:
        return f"{part['name']}{part['arguments']}"
    texts = [part, *(part.get("content") or ())]
    text = "".join(each.get("text") or "" for each in texts)
    return f"{part['type']} {_text(text)}"


def _kinds(items: list[Any]) -> str:
    """Of events, their types; of names, the names."""
    names = [each.get("type", "?") if isinstance(each, dict) else str(each) for each in items]
    return ", ".join(names) if len(names) < 5 else f"{names[0]} to {names[-1]}, {len(names)} kinds"


def _choice(choice: dict[str, Any]) -> str:
    message = choice.get("message") or choice.get("delta") or {}
    calls = message.get("tool_calls") or ()
    called = " ".join(f"{c['function']['name']}{c['function']['arguments']}" for c in calls)
    text = choice.get("text") or message.get("content") or ""
    return f"{called or _text(text)} ({choice.get('finish_reason')})"


def _text(text: str) -> str:
    """A model with random weights writes control characters and halves of others."""
    return repr(text) if text.isascii() and text.isprintable() else f"{len(text)} characters"


def _words(body: Any) -> str:
    if isinstance(body, dict):
        inner = body.get("error", body)
        return str(inner.get("message", inner)) if isinstance(inner, dict) else str(inner)
    return str(body)


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"
