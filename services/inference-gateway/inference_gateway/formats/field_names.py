"""Names of the contract's fields in a client's own request. Pure."""

import re
from collections.abc import Mapping

_MESSAGE = re.compile(r"chat\.messages\[(\d+)\](?:\.(\w+))?")


def message_name(field: str) -> str | None:
    """The client's name of a message or of a part of it: messages.3.role. None for other fields."""
    if match := _MESSAGE.fullmatch(field):
        return ".".join(part for part in ("messages", match[1], match[2]) if part)
    return "messages" if field in ("chat", "chat.messages", "input") else None


def option_name(field: str, names: Mapping[str, str]) -> str | None:
    """The client's name of an option. None for other fields, and for options without a name."""
    prefix, _, option = field.rpartition(".")
    return names.get(option) if prefix == "options" else None
