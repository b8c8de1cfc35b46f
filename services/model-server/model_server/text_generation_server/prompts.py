"""The text that the server gets, and the tokens that it makes of it. Pure.

The server adds the special tokens of its tokenizer to every text, also to one that its chat
template has rendered and that begins with them already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_server.engine import Tokens

Token = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """What the tokenizer puts in front of a text, and behind it."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerPrompt:
    """A text, and the tokens that the server generates from, where they are known already."""

    text: str
    tokens: Tokens | None = None


def find_special_tokens(answer: Sequence[Token]) -> SpecialTokens:
    """Those around the tokens of any text: they stand for none of its characters."""
    widths = [int(token["stop"]) - int(token["start"]) for token in answer]
    ids = read_tokens(answer).ids
    if not any(widths):
        # Slow tokenizers know no places.
        return SpecialTokens()
    first = next(place for place, width in enumerate(widths) if width)
    last = next(place for place in reversed(range(len(widths))) if widths[place])
    return SpecialTokens(ids[:first], ids[last + 1 :])


def without_special_tokens(tokens: Tokens, special: SpecialTokens) -> Tokens:
    """The tokens of the text alone."""
    end = len(tokens.ids) - len(special.after)
    inner = slice(len(special.before), end)
    return Tokens(tokens.ids[inner], tokens.texts[inner])


def read_chat(answer: Mapping[str, Any], special: SpecialTokens) -> ServerPrompt:
    """The rendered conversation, without the special tokens that the server will add again."""
    text, rendered = str(answer["templated_text"]), answer["tokenize_response"]
    tokens, before = read_tokens(rendered), len(special.before)
    if before and tokens.ids[:before] == special.before:
        text = text[int(rendered[before - 1]["stop"]) :]
        front = Tokens((), ())
    else:
        front = _unwritten(special.before)
    behind = _unwritten(special.after)
    return ServerPrompt(
        text,
        Tokens(
            (*front.ids, *tokens.ids, *behind.ids), (*front.texts, *tokens.texts, *behind.texts)
        ),
    )


def read_tokens(answer: Sequence[Token]) -> Tokens:
    """The tokens of an answer of /tokenize."""
    return Tokens(
        tuple(int(token["id"]) for token in answer), tuple(str(token["text"]) for token in answer)
    )


def _unwritten(ids: tuple[int, ...]) -> Tokens:
    return Tokens(ids, ("",) * len(ids))
