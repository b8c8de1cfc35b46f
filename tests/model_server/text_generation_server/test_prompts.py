"""The server adds special tokens to every text, and must not add them twice."""

from typing import Any

import pytest

from model_server.engine import Tokens
from model_server.text_generation_server.prompts import (
    SpecialTokens,
    find_special_tokens,
    read_chat,
    without_special_tokens,
)


def _token(id_: int, text: str, start: int) -> dict[str, Any]:
    return {"id": id_, "text": text, "start": start, "stop": start + len(text)}


_BEGIN, _END = _token(1, "", 0), _token(2, "", 0)


@pytest.mark.parametrize(
    ("answer", "special"),
    [
        ([_token(9, "a", 0)], SpecialTokens()),
        ([_BEGIN, _token(9, "a", 0)], SpecialTokens((1,))),
        ([_BEGIN, _token(9, "a", 0), _END], SpecialTokens((1,), (2,))),
        # A tokenizer that knows no places.
        ([_token(1, "", 0), _token(9, "", 0)], SpecialTokens()),
        ([], SpecialTokens()),
    ],
)
def test_special_tokens_stand_for_no_character(
    answer: list[dict[str, Any]], special: SpecialTokens
) -> None:
    assert find_special_tokens(answer) == special


def test_a_text_without_its_special_tokens() -> None:
    tokens = Tokens((1, 8, 9, 2), ("", "a", "b", ""))
    assert without_special_tokens(tokens, SpecialTokens((1,), (2,))) == Tokens((8, 9), ("a", "b"))
    assert without_special_tokens(tokens, SpecialTokens()) == tokens


def test_a_template_that_begins_with_the_special_token_does_not_get_it_twice() -> None:
    rendered = [_token(1, "<s>", 0), _token(7, "<user>", 3), _token(9, "Hi", 9)]
    answer = {"templated_text": "<s><user>Hi", "tokenize_response": rendered}
    prompt = read_chat(answer, SpecialTokens((1,)))
    assert prompt.text == "<user>Hi"
    assert prompt.tokens == Tokens((1, 7, 9), ("<s>", "<user>", "Hi"))


def test_a_template_without_it_gets_what_the_server_adds() -> None:
    rendered = [_token(7, "<user>", 0), _token(9, "Hi", 6)]
    answer = {"templated_text": "<user>Hi", "tokenize_response": rendered}
    prompt = read_chat(answer, SpecialTokens((1,), (2,)))
    assert prompt.text == "<user>Hi"
    assert prompt.tokens
    assert prompt.tokens.ids == (1, 7, 9, 2)
    plain = read_chat(answer, SpecialTokens())
    assert plain.tokens
    assert plain.tokens.ids == (7, 9)
