"""What a row teaches, independent of the shape that it came in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# As a chat template takes it: role, content, and what else the template knows, such as tool_calls.
Message = Mapping[str, Any]
# A tool's definition, as a JSON schema in OpenAI's form.
Tool = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """The model learns each assistant message, given all that precedes it.

    `untrained` holds the indexes of the assistant messages that are context only.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    untrained: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Completion:
    """The model learns `completion`, given `prompt`."""

    prompt: str
    completion: str


@dataclass(frozen=True, slots=True)
class Text:
    """The model learns every token."""

    text: str


# What one answer of a row teaches.
Lesson = Conversation | Completion | Text


@dataclass(frozen=True, slots=True)
class Preference:
    """The model learns to prefer `chosen` to `rejected`, which begin with the same prompt."""

    chosen: Lesson
    rejected: Lesson


Record = Lesson | Preference
