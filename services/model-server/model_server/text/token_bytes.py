"""The bytes that each token stands for, read from a tokenizer's own description.

The description is that of the tokenizers library (tokenizer.json), whose decoder turns a token of
the vocabulary into text: a byte-level vocabulary writes every byte as one character, one of
sentencepiece writes a space as its word boundary and a single byte as <0xE2>.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from model_server.engine import LikelyToken, TokenLogprob

_BYTE_FALLBACK = re.compile("<0x([0-9A-Fa-f]{2})>")
# Steps that concern a text's ends, or how tokens are joined.
_NEUTRAL = ("Fuse", "Strip")


class Vocabulary(Protocol):
    """What is read of a tokenizer. `decoder` is that of its description, if there is one."""

    @property
    def added(self) -> Mapping[int, str]:
        """The texts of the tokens that were added to the vocabulary."""

    @property
    def decoder(self) -> Mapping[str, Any] | None:
        """The step, or the sequence of steps, that decodes."""

    def piece(self, token: int) -> str | None:
        """The token as the vocabulary writes it; None beyond the vocabulary."""

    def decode(self, token: int) -> str:
        """The text of one token."""


class TokenBytes:
    """The bytes of the tokens of one vocabulary. What was looked up once is kept."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._added = {token: text.encode() for token, text in vocabulary.added.items()}
        self._steps = list(_flatten(vocabulary.decoder)) if vocabulary.decoder else []
        self._known: dict[int, tuple[str, bytes]] = {}

    def likely_token(self, token: int, logprob: float | None) -> LikelyToken:
        """The token with its text and bytes."""
        if (found := self._known.get(token)) is None:
            raw = self._look_up(token)
            found = self._known[token] = (raw.decode(errors="replace"), raw)
        return LikelyToken(token, *found, logprob)

    def logprob(
        self, token: int, logprob: float | None, top: Iterable[tuple[int, float]]
    ) -> TokenLogprob:
        """A token, and the likeliest ones in its place with their log probabilities."""
        likeliest = tuple(self.likely_token(*each) for each in top)
        return TokenLogprob(self.likely_token(token, logprob), likeliest)

    def _look_up(self, token: int) -> bytes:
        if token in self._added:
            return self._added[token]
        piece = self._vocabulary.piece(token)
        # Models have rows beyond the vocabulary, which stand for nothing.
        if piece is None:
            return b""
        raw = bytes_of(piece, self._steps)
        return self._vocabulary.decode(token).encode() if raw is None else raw


def bytes_of(piece: str, decoder: list[Mapping[str, Any]]) -> bytes | None:
    """The bytes of a token of the vocabulary; None for a decoder of another kind. Pure."""
    kinds = {step["type"] for step in decoder}
    if "ByteLevel" in kinds and all(character in _BYTE_OF_CHARACTER for character in piece):
        return bytes(_BYTE_OF_CHARACTER[character] for character in piece)
    if "ByteFallback" in kinds and (match := _BYTE_FALLBACK.fullmatch(piece)):
        return bytes.fromhex(match[1])
    for step in decoder:
        if step["type"] == "Replace" and "String" in step["pattern"]:
            piece = piece.replace(step["pattern"]["String"], step["content"])
        elif step["type"] == "Metaspace":
            piece = piece.replace(step["replacement"], " ")
        elif step["type"] not in ("ByteLevel", "ByteFallback", *_NEUTRAL):
            return None
    return piece.encode() if decoder else None


def _flatten(step: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if step["type"] == "Sequence":
        for each in step["decoders"]:
            yield from _flatten(each)
    else:
        yield step


def _byte_level_alphabet() -> Mapping[str, int]:
    """The byte that each character of a byte-level vocabulary stands for, as GPT-2 defined it."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    # A byte that is no visible character of Latin-1 is written as one from U+0100 on.
    hidden = [byte for byte in range(256) if byte not in shown]
    characters = {chr(byte): byte for byte in shown}
    return characters | {chr(256 + place): byte for place, byte in enumerate(hidden)}


_BYTE_OF_CHARACTER = _byte_level_alphabet()
