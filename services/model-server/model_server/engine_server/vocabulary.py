"""The vocabulary of the model's folder, which both containers see."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer


class FileVocabulary:
    """The tokenizer of a model's folder. Implements `model_server.text.token_bytes.Vocabulary`."""

    def __init__(self, file: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(file))

    @property
    def size(self) -> int:
        """One more than the highest id."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def added(self) -> Mapping[int, str]:
        added = self._tokenizer.get_added_tokens_decoder()
        return {int(token): str(each.content) for token, each in added.items()}

    @property
    def decoder(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = json.loads(self._tokenizer.to_str())["decoder"]
        return found

    def piece(self, token: int) -> str | None:
        found = self._tokenizer.id_to_token(token)
        return None if found is None else str(found)

    def decode(self, token: int) -> str:
        return str(self._tokenizer.decode([token], skip_special_tokens=False))


def read_vocabulary(folder: Path) -> FileVocabulary | None:
    """The vocabulary of a model; None if it has no tokenizer.json, or none that can be read."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        return None
    try:
        return FileVocabulary(file)
    # The library raises nothing more specific.
    except Exception:
        return None
