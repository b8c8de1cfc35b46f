"""Tokens to text: whole characters, and nothing past a stop string."""

from collections.abc import Callable, Sequence

import pytest

from model_server.engine import FinishReason
from model_server.text.detokenizer import ChoiceDetokenizer, Detokenizer, StopStringMatcher

TEXT = "naïve 東京 ☂ — gold " * 20


def by_bytes(tokens: Sequence[int]) -> str:
    return bytes(tokens).decode(errors="replace")


def all_or_nothing(tokens: Sequence[int]) -> str:
    """Decodes like a byte-fallback decoder: one broken byte breaks every byte of its run."""
    try:
        return bytes(tokens).decode()
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}" * len(tokens)


@pytest.mark.parametrize("decode", [by_bytes, all_or_nothing])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_deltas_join_to_the_text(decode: Callable[[Sequence[int]], str], size: int) -> None:
    detokenizer = Detokenizer(decode)
    tokens = TEXT.encode()
    deltas = [detokenizer.add(tokens[at : at + size]) for at in range(0, len(tokens), size)]
    assert "".join(deltas) == TEXT
    assert not any("\N{REPLACEMENT CHARACTER}" in delta for delta in deltas)


def test_cost_of_a_step_does_not_grow_with_the_answer() -> None:
    lengths = []

    def decode(tokens: Sequence[int]) -> str:
        lengths.append(len(tokens))
        return by_bytes(tokens)

    detokenizer = Detokenizer(decode)
    for byte in TEXT.encode():
        detokenizer.add([byte])
    # The window of 32 tokens, and some until a character is complete.
    assert max(lengths) < 50


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("ending", ["a☂".encode()[:3], b"\xff", b"a\xe2\x98\xff\xff", b"ok"])
def test_text_ends_as_the_reference_decodes_it(ending: bytes, size: int) -> None:
    tokens = TEXT.encode() + ending
    choice, text = ChoiceDetokenizer(by_bytes, ()), ""
    for at in range(0, len(tokens), size):
        last = at + size >= len(tokens)
        text += choice.add(tokens[at : at + size], FinishReason.LENGTH if last else None)[0]
    assert text == by_bytes(tokens)


def test_a_stop_string_within_the_last_characters_is_found() -> None:
    choice = ChoiceDetokenizer(by_bytes, ["\N{REPLACEMENT CHARACTER}"])
    assert choice.add(b"a\xff", FinishReason.LENGTH) == ("a", FinishReason.STOP)


@pytest.mark.parametrize(
    ("deltas", "stops", "expected"),
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
def test_text_ends_before_the_first_stop_string(
    deltas: list[str], stops: list[str], expected: str
) -> None:
    matcher, passed, stopped = StopStringMatcher(stops), "", False
    for delta in deltas:
        text, stopped = matcher.add(delta)
        passed += text
        if stopped:
            break
    assert passed + ("" if stopped else matcher.flush()) == expected
