"""The beginning of a prompt that a cache could know, read from a body of any API. Pure.

Every turn of a conversation repeats the ones before. What all of them have in common, and other
conversations do not, ends with the first message of the user.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

# The routes that fill a model's KV cache. Vectors and tokens leave nothing behind in it.
_GENERATING_PATHS = frozenset(
    (
        "/",
        "/chat",
        "/generate",
        "/generate_stream",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/messages",
        "/v1/responses",
    )
)
# Requests of one session go to the same model-server.
SESSION_HEADER = b"x-session-id"
# A longer beginning is a document that several conversations are about: they share its replica.
_CONVERSATION_BYTES = 16 * 1024
# A text does not say where its first turn ends, and each turn must have the same beginning. About
# 250 tokens, which are prefilled in no time where a shorter text becomes longer than this.
_TEXT_BYTES = 1024
# What a tokens' id takes, about.
_TOKEN_IDS = _TEXT_BYTES // 4


def prompt_start(path: str, body: bytes, session: str = "") -> bytes:
    """The beginning; empty if there is none, or if no cache could know it.

    `session`, or OpenAI's `prompt_cache_key` in the body, replaces it: the client knows best which
    requests have their beginning in common.
    """
    if path not in _GENERATING_PATHS:
        return b""
    if session:
        return b"session:" + session.encode(errors="replace")
    try:
        content = json.loads(body)
        return _start_of(content) if isinstance(content, dict) else b""
    except (ValueError, RecursionError):
        return b""


def _start_of(content: dict[str, Any]) -> bytes:
    if isinstance(cache_key := content.get("prompt_cache_key"), str) and cache_key:
        return b"session:" + cache_key.encode(errors="replace")
    head = [content.get("system"), content.get("instructions")]
    for name in ("messages", "input"):
        if isinstance(content.get(name), list):
            return _join([*head, *_first_messages(content[name])], _CONVERSATION_BYTES)
    for name in ("prompt", "inputs", "input"):
        if content.get(name):
            return _join([*head, _first_prompt(content[name])], _TEXT_BYTES)
    return b""


def _first_messages(messages: list[Any]) -> Iterator[Any]:
    """The roles and contents of the messages up to the first one of the user."""
    for message in messages:
        if isinstance(message, dict):
            yield message.get("role")
            yield message.get("content")
            if message.get("role") == "user":
                return


def _first_prompt(prompt: Any) -> Any:
    """Of several prompts the first, as a text or as the tokens that it begins with."""
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list):
        prompt = prompt[0]
    return str(prompt[:_TOKEN_IDS]) if isinstance(prompt, list) else prompt


def _join(contents: Iterable[Any], limit_bytes: int) -> bytes:
    start = bytearray()
    for text in _texts(contents):
        # Half of a surrogate pair is valid JSON.
        start += text[:limit_bytes].encode(errors="replace") + b"\0"
        if len(start) >= limit_bytes:
            break
    return bytes(start[:limit_bytes])


def _texts(contents: Iterable[Any]) -> Iterator[str]:
    for content in contents:
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            for part in content:
                text = part.get("text") if isinstance(part, dict) else part
                # An image or a file, whose name or data tells it from others.
                yield text if isinstance(text, str) else json.dumps(part)
