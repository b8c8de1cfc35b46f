"""Reads a model's config.json, or the params.json of Mistral's own format.

Libraries and their versions name the same fact differently, and models that also see or hear keep
the facts about text in a part of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaito_presets.hub.refusal import Refused

_TEXT_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
# No field of a model is larger; what is, is a mistake or an attack on the arithmetic.
_MAX_INTEGER = 2**31
# Characters of a value in a message: the remedy comes after it, and a condition has room for 1024.
_MAX_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """`file` is the name of the file, for messages."""

    name: str
    file: str
    top: Mapping[str, Any]
    text: Mapping[str, Any]

    def get(self, *names: str) -> Any:
        """The first of these fields that is set; what is about text comes first."""
        return self._first(names)[1]

    def integer(self, *names: str) -> int:
        """A positive whole number.

        Raises:
            Refused: it is missing, or something else.
        """
        value = self.optional_integer(*names)
        if value is None:
            raise self.refused(names[0], "is missing")
        return value

    def optional_integer(self, *names: str) -> int | None:
        """A positive whole number; None where none of these fields is set.

        Raises:
            Refused: the field is something else.
        """
        name, value = self._first(names)
        if value is None or value == 0:
            return None
        if not _is_size(value):
            raise self.refused(name, f"is {shown(value)}")
        return int(value)

    def shown_integer(self, *names: str) -> int | None:
        """A number that is only shown: None where it is missing, or something else.

        Some models have several, one for each kind of input; that of text is the first.
        """
        value = self.get(*names)
        if isinstance(value, list) and value:
            value = value[0]
        return int(value) if _is_size(value) else None

    def text_field(self, *names: str) -> str:
        value = self.get(*names)
        return value if isinstance(value, str) else ""

    def section(self, *names: str) -> Mapping[str, Any]:
        value = self.get(*names)
        return value if isinstance(value, Mapping) else {}

    def _first(self, names: Sequence[str]) -> tuple[str, Any]:
        """The name of the first field that is set, and its value, which is None without one."""
        for part in (self.text, self.top):
            for name in names:
                if (value := part.get(name)) is not None:
                    return name, value
        return names[0], None

    def refused(self, field: str, problem: str) -> Refused:
        """The refusal of a field that has to be a number."""
        return Refused(
            f"{self.name}: {field} in {self.file} {problem}, and it has to be a positive whole "
            "number",
            "name another repository, or serve it with your own pods (inference.template)",
        )


def shown(value: object) -> str:
    """A value of a file in a message."""
    return repr(value)[:_MAX_SHOWN]


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_INTEGER


def parse_config(name: str, file: str, document: object) -> ModelConfig:
    """The configuration of the model with that name.

    Raises:
        Refused: the document is not a JSON object.
    """
    if not isinstance(document, Mapping):
        raise Refused(
            f"{name}: {file} holds no JSON object",
            "name a repository that transformers or vLLM can load",
        )
    text: Mapping[str, Any] = document
    for part in _TEXT_PARTS * 2:
        inner = text.get(part)
        if isinstance(inner, Mapping):
            text = inner
    return ModelConfig(name, file, document, text)
