"""How many bytes of text a token can stand for, read from a tokenizer's own description. Pure.

The description is that of the tokenizers library (tokenizer.json). A prompt of more bytes than this
times the context cannot fit, which is known without the minutes that tokenizing it may take.
"""

from collections.abc import Iterator, Mapping
from typing import Any

# sentencepiece's word boundary: three bytes in the vocabulary, one space in the text.
_WORD_BOUNDARY = "\N{LOWER ONE EIGHTH BLOCK}"
# Composition shortens a Hangul syllable most: three letters of three bytes become one of three.
_COMPOSITION_FACTOR = 3


def longest_token_bytes(description: Mapping[str, Any]) -> int | None:
    """The bytes of text that one token stands for at most; None if there is no such number.

    There is none if characters that are not in the vocabulary may become one token together, or if
    the normalizer may remove text. (A special token may strip the whitespace beside it. A prompt of
    megabytes of such whitespace is refused like any other.)
    """
    model = description["model"]
    byte_level = _has_byte_level(description)
    if model.get("type") in ("WordPiece", "WordLevel"):
        return None
    if not (byte_level or model.get("byte_fallback")):
        return None
    factor = _normalizer_factor(description.get("normalizer"))
    if factor is None:
        return None
    return factor * max(
        *(_text_bytes(token, byte_level) for token in _vocabulary(model)),
        *(len(each["content"].encode()) for each in description.get("added_tokens") or ()),
        1,
        1,
    )


def _vocabulary(model: Mapping[str, Any]) -> Iterator[str]:
    vocabulary = model["vocab"]
    # Unigram models list pairs of token and score.
    yield from vocabulary if isinstance(vocabulary, dict) else (each[0] for each in vocabulary)


def _text_bytes(token: str, byte_level: bool) -> int:
    # Byte-level vocabularies write every byte as one character.
    return len(token) if byte_level else len(token.replace(_WORD_BOUNDARY, " ").encode())


def _has_byte_level(description: Mapping[str, Any]) -> bool:
    parts = (description.get(name) for name in ("normalizer", "pre_tokenizer"))
    return any(each["type"] == "ByteLevel" for part in parts for each in _flatten(part))


def _normalizer_factor(normalizer: Mapping[str, Any] | None) -> int | None:
    """How many times shorter the normalizer can make a text; None if that is not known."""
    factor = 1
    for each in _flatten(normalizer):
        if each["type"] == "NFC":
            factor = _COMPOSITION_FACTOR
        elif each["type"] == "Replace":
            if each.get("pattern") != {"String": " "} or each.get("content") != _WORD_BOUNDARY:
                return None
        elif each["type"] not in ("Prepend", "ByteLevel", "NFD"):
            return None
    return factor


def _flatten(part: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The steps of a normalizer or pre-tokenizer, which may be a sequence of sequences."""
    if part is None:
        return
    steps = part.get("normalizers") or part.get("pretokenizers")
    if part["type"] == "Sequence":
        for step in steps or ():
            yield from _flatten(step)
    else:
        yield part
