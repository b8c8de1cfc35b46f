"""Reads the list of a conversation: of messages, or of turns that hold question and answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner.rows.row import RowFault
from tuner.shapes.chat.message import ReadMessage, is_message, read_messages
from tuner.shapes.values.embedded import load_embedded
from tuner.shapes.values.faults import empty, malformed
from tuner.shapes.values.texts import is_null

# The keys of a turn that holds what both sides say, as in Capybara and in XTuner's data.
_TURN_KEYS = (
    ("input", "output"),
    ("user", "assistant"),
    ("human", "assistant"),
    ("question", "answer"),
    ("prompt", "response"),
)
_EXPECTED = "it must be a list of {role, content}"


def load_conversation(value: Any) -> list[Any] | None:
    """The items of `value` if it is a list of messages or turns, or JSON text of one."""
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return None
        try:
            value = load_embedded(value, "")
        except RowFault:
            return None
    is_list = isinstance(value, list | tuple) and len(value) > 0
    if is_list and all(is_message(item) or _turn_keys(item) is not None for item in value):
        return list(value)
    return None


def is_conversation(value: Any) -> bool:
    """True if `value` is a list of messages or turns, or JSON text of one."""
    return load_conversation(value) is not None


def read_conversation(value: Any, where: str) -> list[ReadMessage]:
    """The messages in `value`: a list of messages or turns, a single one, or JSON text of these.

    Raises:
        RowFault: EMPTY or MALFORMED.
    """
    is_blank = isinstance(value, str) and not value.strip()
    items = None if is_blank else load_embedded(value, where, f"{_EXPECTED}, or JSON text of one")
    if isinstance(items, Mapping):
        items = [items]
    if is_null(items) or items == [] or items == ():
        raise empty(where, value, _EXPECTED)
    if not isinstance(items, Sequence) or isinstance(items, str | bytes):
        raise malformed(where, value, _EXPECTED)
    return [
        message
        for index, item in enumerate(items)
        for message in _read_item(item, f"{where}[{index}]")
    ]


def _read_item(item: Any, where: str) -> Iterator[ReadMessage]:
    keys = None if is_message(item) else _turn_keys(item)
    if keys is None:
        yield from read_messages(item, where)
        return
    roles = ("system", "user", "assistant")
    for key, role in zip(("system", *keys), roles, strict=True):
        message = {"role": role, "content": item.get(key)}
        try:
            yield from read_messages(message, where)
        except RowFault as fault:
            # The turn has a key of its own where a message has `content`.
            detail = fault.detail.replace(f"{where}.content", f"{where}.{key}")
            raise RowFault(fault.cause, detail) from None


def _turn_keys(item: Any) -> tuple[str, str] | None:
    if not isinstance(item, Mapping):
        return None
    return next((keys for keys in _TURN_KEYS if all(key in item for key in keys)), None)
