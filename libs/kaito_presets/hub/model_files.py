"""The small files of a repository that tell what its model is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kaito_presets.hub.refusal import Refused
from kaito_presets.hub.repository import Repository

CONFIG, MISTRAL_CONFIG = "config.json", "params.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
# The template alone, or as the only field of a JSON object.
CHAT_TEMPLATES = ("chat_template.jinja", "chat_template.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """The repository, and the text of its small files by path."""

    repository: Repository
    texts: Mapping[str, str]

    def document(self, path: str) -> object:
        """The JSON of a file; None where it is missing.

        Raises:
            Refused: it is not JSON.
        """
        text = self.texts.get(path)
        if text is None:
            return None
        try:
            document: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Refused(
                f"{self.repository.name}: {path} is not JSON ({str(error)[:80]})",
                "name another repository or revision",
            ) from error
        return document

    def chat_template(self) -> str:
        """The chat templates, one after the other; empty where there is none.

        Raises:
            Refused: a file that may hold them is not JSON.
        """
        if (text := self.texts.get(CHAT_TEMPLATES[0])) is not None:
            return text
        for path in (CHAT_TEMPLATES[1], TOKENIZER_CONFIG):
            document = self.document(path)
            template = document.get("chat_template") if isinstance(document, Mapping) else None
            if isinstance(template, str) and template:
                return template
            # Several, by name.
            if isinstance(template, list):
                named = (each.get("template") for each in template if isinstance(each, Mapping))
                return "\n".join(text for text in named if isinstance(text, str))
        return ""


def needed_files(repository: Repository) -> tuple[str, ...]:
    """The files to read; at most three."""
    config = next((path for path in (CONFIG, MISTRAL_CONFIG) if repository.has(path)), None)
    template = next((path for path in CHAT_TEMPLATES if repository.has(path)), None)
    tokenizer = TOKENIZER_CONFIG if repository.has(TOKENIZER_CONFIG) else None
    return tuple(path for path in (config, tokenizer, template) if path is not None)
