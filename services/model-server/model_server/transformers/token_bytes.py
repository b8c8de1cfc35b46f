"""The bytes that each token stands for, read from a tokenizer's own description.

The description is that of the tokenizers library (tokenizer.json), whose decoder turns a token of
the vocabulary into text: a byte-level vocabulary writes every byte as one character, one of
sentencepiece writes a space as its word boundary and a single byte as <0xE2>.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from transformers.convert_slow_tokenizer import bytes_to_unicode

from model_server.engine import LikelyToken, TokenLogprob
from model_server.transformers.likelihoods import ScoredToken

_BYTE_OF_CHARACTER = {character: byte for byte, character in bytes_to_unicode().items()}
_BYTE_FALLBACK = re.compile("<0x([0-9A-Fa-f]{2})>")
# Steps that concern a text's ends, or how tokens are joined.
_NEUTRAL = ("Fuse", "Strip")


class TokenBytes:
    """The bytes of the tokens of one tokenizer. What was looked up once is kept."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._added = {
            int(token): str(each.content).encode()
            for token, each in tokenizer.added_tokens_decoder.items()
        }
        backend = getattr(tokenizer, "backend_tokenizer", None)
        decoder = json.loads(backend.to_str())["decoder"] if backend is not None else None
        self._steps = list(_flatten(decoder)) if decoder else []
        self._known: dict[int, tuple[str, bytes]] = {}

    def likely_token(self, token: int, logprob: float | None) -> LikelyToken:
        """The token with its text and bytes."""
        if (found := self._known.get(token)) is None:
            raw = self._look_up(token)
            found = self._known[token] = (raw.decode(errors="replace"), raw)
        return LikelyToken(token, *found, logprob)

    def logprob(self, scored: ScoredToken) -> TokenLogprob:
        """A scored token, and the likeliest ones in its place."""
        top = tuple(self.likely_token(*each) for each in scored.top)
        return TokenLogprob(self.likely_token(scored.id, scored.logprob), top)

    def _look_up(self, token: int) -> bytes:
        if token in self._added:
            return self._added[token]
        piece = self._tokenizer.convert_ids_to_tokens(token)
        # Models have rows beyond the vocabulary, which stand for nothing.
        if piece is None:
            return b""
        raw = bytes_of(piece, self._steps)
        if raw is None:
            return str(self._tokenizer.decode([token])).encode()
        return raw


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
