"""Reads the list of a conversation: of messages, or of turns that hold question and answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner.data.row import RowFault
from tuner.shapes.embedded import load_embedded
from tuner.shapes.faults import empty, malformed
from tuner.shapes.message import ReadMessage, is_message, read_message

# The keys of a turn that holds what both sides say, as in Capybara and in XTuner's data.
_TURN_KEYS = (
    ("input", "output"),
    ("user", "assistant"),
    ("human", "assistant"),
    ("question", "answer"),
    ("prompt", "response"),
)


def is_conversation(value: Any) -> bool:
    """True if `value` is a list of messages or turns, or JSON text of one."""
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return False
        try:
            value = load_embedded(value, "")
        except RowFault:
            return False
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(is_message(item) or _turn_keys(item) is not None for item in value)
    )


def read_conversation(value: Any, where: str) -> list[ReadMessage]:
    """The messages in `value`: a list of messages or turns, or JSON text of one.

    Raises:
        RowFault: EMPTY or MALFORMED.
    """
    items = load_embedded(value, where) if not _is_blank(value) else None
    if items is None or (isinstance(items, Sequence) and len(items) == 0):
        raise empty(where, value)
    if not isinstance(items, Sequence) or isinstance(items, str | bytes):
        raise malformed(where, value, "it must be a list of {role, content}")
    return [
        message
        for index, item in enumerate(items)
        for message in _read_item(item, f"{where}[{index}]")
    ]


def _read_item(item: Any, where: str) -> Iterator[ReadMessage]:
    keys = None if is_message(item) else _turn_keys(item)
    messages = [("", item)] if keys is None else _turn_messages(item, keys)
    for key, message in messages:
        read = read_message(message, f"{where}{key}")
        if read is not None:
            yield read


def _turn_keys(item: Any) -> tuple[str, str] | None:
    if not isinstance(item, Mapping):
        return None
    return next((keys for keys in _TURN_KEYS if all(key in item for key in keys)), None)


def _turn_messages(
    turn: Mapping[str, Any], keys: tuple[str, str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    roles = ("user", "assistant")
    yield ".system", {"role": "system", "content": turn.get("system")}
    for key, role in zip(keys, roles, strict=True):
        yield f".{key}", {"role": role, "content": turn[key]}


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
