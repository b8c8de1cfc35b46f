"""Tokens to text: whole characters, and nothing past a stop string."""

from collections.abc import Callable, Sequence

import pytest

from model_server.engine import FinishReason
from model_server.text import ChoiceText, Detokenizer, StopStrings

TEXT = "naïve 東京 ☂ — gold " * 20


def by_bytes(tokens: Sequence[int]) -> str:
    return bytes(tokens).decode(errors="replace")


def all_or_nothing(tokens: Sequence[int]) -> str:
    """As byte-fallback decoders: one broken byte and every byte of the run is shown as broken."""
    try:
        return bytes(tokens).decode()
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}" * len(tokens)


@pytest.mark.parametrize("decode", [by_bytes, all_or_nothing])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pieces_join_to_the_text(decode: Callable[[Sequence[int]], str], size: int) -> None:
    detokenizer = Detokenizer(decode)
    tokens = TEXT.encode()
    pieces = [detokenizer.add(tokens[at : at + size]) for at in range(0, len(tokens), size)]
    assert "".join(pieces) == TEXT
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces)


def test_steps_stay_short_in_long_answers() -> None:
    lengths = []

    def decode(tokens: Sequence[int]) -> str:
        lengths.append(len(tokens))
        return by_bytes(tokens)

    detokenizer = Detokenizer(decode)
    for byte in TEXT.encode():
        detokenizer.add([byte])
    assert max(lengths) < 50


def test_half_a_character_at_the_end_is_left_out() -> None:
    text = ChoiceText(by_bytes, ())
    assert text.add("a☂".encode()[:3], FinishReason.LENGTH) == ("a", FinishReason.LENGTH)


@pytest.mark.parametrize(
    ("pieces", "stops", "given"),
    [
        (["one END two"], ["END"], "one "),
        (["one E", "N", "D two"], ["END"], "one "),
        (["one E", "N", "E two"], ["END"], "one ENE two"),
        (["aab", "aac"], ["aac"], "aab"),
        (["x STOP y END"], ["END", "STOP"], "x "),
        (["ab", "c"], ["c", "bc"], "a"),
        (["one"], [], "one"),
    ],
    ids="inside across almost restart first longest none".split(),
)
def test_stop_strings(pieces: list[str], stops: list[str], given: str) -> None:
    scanner, out, found = StopStrings(stops), "", False
    for piece in pieces:
        text, found = scanner.add(piece)
        out += text
        if found:
            break
    assert out + ("" if found else scanner.flush()) == given
