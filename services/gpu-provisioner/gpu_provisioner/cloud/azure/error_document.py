"""Reads an error of ARM or AKS in any of its shapes: the code of each service that it passed
through, what the innermost one says, and the policies that it names. Pure.

Errors arrive as `{"error": {...}}`, flat (`{"code", "details", "message", "subcode"}`), and wrapped
in the message of another one, as JSON, as escaped JSON, or as `Code="..." Message="..."`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_CODE = re.compile(
    r"\b(?:internalErrorCode|subcode|code)[\"']?\s*[:=]\s*[\"']?([A-Za-z][\w.]*)", re.I
)
# How deep errors wrap each other at most; AKS has been seen with four.
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """`codes` are in the order in which they appear, the outermost first. `message` is the
    innermost one, `text` everything that the error says, and `policies` the names of the
    assignments that refused the request."""

    codes: tuple[str, ...]
    message: str
    text: str
    policies: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        return self.codes[0] if self.codes else ""


def read(document: Mapping[str, Any]) -> ErrorDocument:
    """Read the body of a response, or the error that a pool reports."""
    levels = tuple(_levels(document, 0))
    codes: dict[str, None] = {}
    for level in levels:
        # A policy's message is written by people. They may look like a code, and are never one.
        found = [] if _is_policy(codes) else _CODE.findall(_unescaped(_text(level, "message")))
        own = (_text(level, key) for key in ("code", "internalErrorCode", "subcode"))
        codes |= dict.fromkeys(code for code in (*own, *found) if code)
    messages = [message for level in levels if (message := _text(level, "message"))]
    return ErrorDocument(
        codes=tuple(codes),
        message=messages[-1] if messages else "",
        text=" ".join(map(_unescaped, messages)),
        policies=tuple(dict.fromkeys(name for level in levels for name in _policies(level))),
    )


def _levels(node: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Return the error and those inside it, the outermost first."""
    if isinstance(inner := node.get("error"), Mapping):
        node = inner
    yield node
    if depth == _MAX_DEPTH:
        return
    details = node.get("details")
    children = [*details] if isinstance(details, list | tuple) else []
    children += [node.get("innererror"), _embedded(_text(node, "message"))]
    for child in children:
        if isinstance(child, Mapping):
            yield from _levels(child, depth + 1)


def _embedded(message: str) -> Mapping[str, Any] | None:
    """Return the error that a message contains as JSON."""
    for text in (message, message.replace('\\"', '"')):
        start = text.find("{")
        if start < 0:
            return None
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
        except ValueError:
            continue
        if isinstance(value, Mapping) and ("code" in value or "error" in value):
            return value
    return None


def _policies(node: Mapping[str, Any]) -> Iterator[str]:
    """Return the names of assignments, from `additionalInfo` and from the message."""
    for entry in node.get("additionalInfo") or ():
        info = entry.get("info") if isinstance(entry, Mapping) else None
        if isinstance(info, Mapping):
            yield _text(info, "policyAssignmentDisplayName") or _text(info, "policyAssignmentName")
    yield from re.findall(
        r'"policyAssignment"\s*:\s*\{\s*"name"\s*:\s*"([^"]+)"', _unescaped(_text(node, "message"))
    )


def _is_policy(codes: Mapping[str, None]) -> bool:
    return any(code.startswith("RequestDisallowedBy") for code in codes)


def _text(node: Mapping[str, Any], key: str) -> str:
    value = node.get(key)
    return value if isinstance(value, str) else ""


def _unescaped(text: str) -> str:
    return re.sub(r"\\+\"", '"', text)
