"""Turns rendered text into token ids, with the place of each token in the text."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tokenizers import Tokenizer

from tuner.examples.control_tokens import ControlTokens


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids; token k stands for the characters `starts[k]` to `ends[k]` of the text."""

    ids: list[int]
    starts: list[int]
    ends: list[int]

    def count_until(self, position: int) -> int:
        """The number of tokens that end at or before `position`."""
        return bisect_right(self.ends, position)


class TextTokenizer:
    """Encodes text that a chat template has rendered; `control` marks what is plain text in it.

    Only tokenizers of the Rust library give the position of a token in the text. `has_offsets` is
    False for others: they can `encode`, but not `locate`.
    """

    def __init__(self, tokenizer: Any, control: ControlTokens) -> None:
        self._tokenizer = tokenizer
        self._control = control
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._backend = _copy(backend) if backend is not None else None
        self._plain_backend: Tokenizer | None = None
        self.added = {key: token.content for key, token in tokenizer.added_tokens_decoder.items()}
        self.encode_cached = lru_cache(4096)(self.encode)

    @property
    def has_offsets(self) -> bool:
        """Whether `locate` can be called."""
        return self._backend is not None

    def encode(self, text: str) -> Sequence[int]:
        """The token ids of `text`."""
        if self._backend is not None:
            return self.locate(text).ids
        ids: list[int] = []
        for segment in self._control.split(text):
            ids += self._tokenizer(
                segment.text, add_special_tokens=False, split_special_tokens=segment.is_plain
            )["input_ids"]
        return ids

    def locate(self, text: str) -> Tokens:
        """The tokens of `text` with their places."""
        tokens = Tokens([], [], [])
        for segment in self._control.split(text):
            self._append(tokens, segment.text, segment.start, segment.is_plain)
        return tokens

    def separates(self, tokens: Tokens, index: int, text: str) -> bool:
        """Whether the texts before and after token `index` of `text` are tokenized separately.

        Tokenizers cut added tokens out of a text first. Some add the tokens of single bytes, too.
        """
        written = self.added.get(tokens.ids[index])
        return written is not None and written in text[tokens.starts[index] : tokens.ends[index]]

    def _append(self, tokens: Tokens, text: str, start: int, is_plain: bool) -> None:
        backend: Any = self._for_plain_text() if is_plain else self._backend
        # Some tokenizers put a space before the first word of a text. This one has no first word.
        prefix = "\n" if start else ""
        encoding = backend.encode(prefix + text, add_special_tokens=False)
        ids, offsets = encoding.ids, encoding.offsets
        first = 0
        if prefix:
            first = next((k for k, (_, end) in enumerate(offsets) if end > 1), len(ids))
            if first < len(ids) and offsets[first][0] < 1:
                # The newline is part of the first token, so the text is encoded without it.
                encoding = backend.encode(text, add_special_tokens=False)
                ids, offsets, first, prefix = encoding.ids, encoding.offsets, 0, ""
        shift = start - len(prefix)
        tokens.ids.extend(ids[first:])
        tokens.starts.extend(begin + shift for begin, _ in offsets[first:])
        tokens.ends.extend(end + shift for _, end in offsets[first:])

    def _for_plain_text(self) -> Tokenizer:
        """The backend that knows no control tokens. Few datasets need it."""
        if self._plain_backend is None:
            self._plain_backend = _copy(self._backend, added_tokens=[])
        return self._plain_backend


def _copy(backend: Any, **changes: Any) -> Tokenizer:
    """A copy that cuts and pads nothing. Post-processors of some models trim the places."""
    description = json.loads(backend.to_str())
    description.update(truncation=None, padding=None, post_processor=None, **changes)
    return Tokenizer.from_str(json.dumps(description))
