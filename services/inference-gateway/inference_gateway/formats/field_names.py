"""Names of the contract's fields in a client's own request. Pure."""

import re
from collections.abc import Mapping

_INDEX = re.compile(r"\[(\w+)\]")
_MESSAGES = "chat.messages"
# Where OpenAI's message has a field of the contract's.
_MESSAGE_PARTS = {
    "tool_calls.name": "tool_calls.function.name",
    "tool_calls.arguments": "tool_calls.function.arguments",
    "reasoning": "reasoning_content",
}


def dotted(path: str) -> str:
    """A path as the names of this API's parameters have it: tokens.3 for tokens[3]."""
    return _INDEX.sub(r".\1", path)


def message_name(field: str) -> str | None:
    """The client's name of a message or of a part of it: messages.3.role. None for other fields."""
    if field in ("chat", "input"):
        return "messages"
    if not re.fullmatch(rf"{re.escape(_MESSAGES)}(?:[.\[].*)?", field):
        return None
    path = dotted(field.removeprefix("chat."))
    plain = re.sub(r"\.\d+", "", path.removeprefix("messages")).lstrip(".")
    if plain not in _MESSAGE_PARTS:
        return path
    if plain == "reasoning":
        return path.removesuffix(plain) + _MESSAGE_PARTS[plain]
    head, _, last = path.rpartition(".")
    return f"{head}.function.{last}"


def option_name(field: str, names: Mapping[str, str]) -> str | None:
    """The client's name of an option or of its part. None for others, and without a name."""
    if not field.startswith("options."):
        return None
    option, *rest = dotted(field.removeprefix("options.")).split(".")
    name = names.get(option)
    return ".".join((name, *rest)) if name else None
