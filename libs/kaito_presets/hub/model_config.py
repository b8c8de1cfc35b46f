"""Reads a model's config.json, or the params.json of Mistral's own format.

Libraries and their versions name the same fact differently, and models that also see or hear keep
the facts about text in a part of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_presets.hub.refusal import Refused

_TEXT_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
# No field of a model is larger; what is, is a mistake or an attack on the arithmetic.
_MAX_INTEGER = 2**31


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """`file` is the name of the file, for messages."""

    name: str
    file: str
    top: Mapping[str, Any]
    text: Mapping[str, Any]

    def get(self, *names: str) -> Any:
        """The first of these fields that is set; what is about text comes first."""
        for part in (self.text, self.top):
            for name in names:
                if (value := part.get(name)) is not None:
                    return value
        return None

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
        value = self.get(*names)
        if value is None or value == 0:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _MAX_INTEGER:
            raise self.refused(names[0], f"is {value!r}")
        return value

    def text_field(self, *names: str) -> str:
        value = self.get(*names)
        return value if isinstance(value, str) else ""

    def section(self, *names: str) -> Mapping[str, Any]:
        value = self.get(*names)
        return value if isinstance(value, Mapping) else {}

    def refused(self, field: str, problem: str) -> Refused:
        """The refusal of a field that has to be a number."""
        return Refused(
            f"{self.name}: {field} in {self.file} {problem}, and it has to be a positive whole "
            "number",
            "name another repository, or serve it with your own pods (inference.template)",
        )


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
