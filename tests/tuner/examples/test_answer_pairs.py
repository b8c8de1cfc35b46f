"""Examples of two answers, of which one is preferred."""

import pytest

from tuner.examples.answer_pairs import TokenizedPair, pair_example, shared_prompt, shared_text
from tuner.examples.example import IGNORED_LABEL as NO
from tuner.rows.row import LossCause, RowFault


def test_each_answer_begins_where_either_differs_from_the_prompt() -> None:
    """The rejected one's first token has merged with the end of the prompt."""
    encoded = pair_example(TokenizedPair([1, 2, 3], [1, 2, 3, 4], [1, 2, 9, 5, 6]), None)
    (example,) = encoded.examples
    assert example.input_ids == [1, 2, 3, 4, 1, 2, 9, 5, 6]
    assert example.labels == [NO, NO, 3, 4, NO, NO, 9, 5, 6]
    assert (example.chosen, encoded.sufficient, encoded.cut) == (4, 5, None)


def test_each_answer_is_cut_at_its_end() -> None:
    encoded = pair_example(TokenizedPair([1, 2], [1, 2, 3, 4], [1, 2, 5, 6, 7, 8]), 4)
    (example,) = encoded.examples
    assert example.input_ids == [1, 2, 3, 4, 1, 2, 5, 6]
    assert encoded.cut is not None
    assert encoded.cut.cause is LossCause.CUT
    assert encoded.cut.detail == "6 tokens; 4 of 6 tokens of its answers are compared"
    assert encoded.sufficient == 6


@pytest.mark.parametrize(
    ("pair", "limit", "cause", "detail"),
    [
        (
            TokenizedPair([1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 5]),
            3,
            LossCause.PROMPT_TOO_LONG,
            "3 tokens come before the answers, and max_length is 3",
        ),
        (
            TokenizedPair([1], [1, 2, 3, 4], [1, 2, 3, 5]),
            3,
            LossCause.SAME_ANSWERS,
            "the first 3 tokens of both are the same, and max_length is 3",
        ),
        # A template may trim what differs; no max_length would help.
        (
            TokenizedPair([1], [1, 2], [1, 2]),
            3,
            LossCause.SAME_ANSWERS,
            "both have the same tokens, so there is nothing to prefer",
        ),
        (
            TokenizedPair([1, 2], [1, 2], [1, 2, 3]),
            None,
            LossCause.EMPTY,
            "one of its answers holds no token",
        ),
    ],
)
def test_a_pair_without_a_preference_is_dropped(
    pair: TokenizedPair, limit: int | None, cause: LossCause, detail: str
) -> None:
    with pytest.raises(RowFault) as caught:
        pair_example(pair, limit)
    assert (caught.value.cause, caught.value.detail) == (cause, detail)


@pytest.mark.parametrize(
    ("chosen", "rejected", "expected"),
    [
        ("The sky is blue.", "The sky is green.", "The sky is"),
        ("abc", "abd", "ab"),
        ("a", "b", ""),
        ("Hi", "Hi there", "Hi"),
    ],
)
def test_a_prompt_that_is_not_named_is_what_both_texts_begin_with(
    chosen: str, rejected: str, expected: str
) -> None:
    assert shared_text(chosen, rejected) == expected


def test_a_conversation_that_continues_the_other_leaves_no_answer() -> None:
    assert shared_prompt([1, 2, 3], [1, 2, 4]) == [1, 2]
    with pytest.raises(RowFault, match="the rejected answer is empty: the other one begins"):
        shared_prompt([1, 2, 3], [1, 2])
