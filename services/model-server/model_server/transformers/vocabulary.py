"""The vocabulary of a tokenizer of transformers, as `token_bytes` reads it."""

import json
from collections.abc import Mapping
from typing import Any


class HubVocabulary:
    """Implements `model_server.text.token_bytes.Vocabulary`."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @property
    def added(self) -> Mapping[int, str]:
        added = self._tokenizer.added_tokens_decoder
        return {int(token): str(each.content) for token, each in added.items()}

    @property
    def decoder(self) -> Mapping[str, Any] | None:
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is None:
            return None
        found: Mapping[str, Any] | None = json.loads(backend.to_str())["decoder"]
        return found

    def piece(self, token: int) -> str | None:
        found = self._tokenizer.convert_ids_to_tokens(token)
        return None if found is None else str(found)

    def decode(self, token: int) -> str:
        return str(self._tokenizer.decode([token]))
