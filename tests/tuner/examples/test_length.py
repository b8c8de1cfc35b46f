"""What becomes of examples that exceed max_length."""

import pytest

from tuner.examples.example import Example
from tuner.examples.length import TooLong, fit, split_into_windows
from tuner.rows.row import LossCause, RowFault

# Two prompts of two tokens, each with an answer of three.
TALK = Example(
    [1, 2, 11, 12, 13, 3, 4, 14, 15, 16], [-100, -100, 11, 12, 13, -100, -100, 14, 15, 16]
)


@pytest.mark.parametrize("max_length", [None, 10, 11])
def test_what_fits_stays_as_it_is(max_length: int | None) -> None:
    encoded = fit([TALK], max_length)
    assert (encoded.examples, encoded.cut, encoded.sufficient) == ((TALK,), None, 10)


@pytest.mark.parametrize(
    ("max_length", "length", "learned"), [(9, 9, 5), (8, 8, 4), (7, 7, 3), (5, 5, 3), (4, 4, 2)]
)
def test_answer_is_learned_as_far_as_it_fits(max_length: int, length: int, learned: int) -> None:
    encoded = fit([TALK], max_length)
    (example,) = encoded.examples
    assert (len(example.input_ids), example.learned) == (length, learned)
    assert isinstance(encoded.cut, TooLong)
    assert encoded.cut.cause is LossCause.CUT
    assert encoded.cut.detail == f"10 tokens; {learned} of 6 tokens of its answers are learned"
    assert encoded.cut.sufficient == 10


def test_prompt_that_fills_the_length_is_named() -> None:
    with pytest.raises(TooLong, match="2 tokens come before the first answer, and") as caught:
        fit([TALK], 2)
    assert (caught.value.cause, caught.value.sufficient) == (LossCause.PROMPT_TOO_LONG, 10)


def test_tokens_after_the_last_answer_are_left_out() -> None:
    (example,) = fit([Example([1, 2, 3, 4], [-100, 2, -100, -100])], None).examples
    assert (example.input_ids, example.labels) == ([1, 2], [-100, 2])


def test_one_of_several_examples_may_be_too_long() -> None:
    long = Example([1] * 20, [-100] * 19 + [1])
    encoded = fit([TALK, long], 10)
    assert encoded.examples == (TALK,)
    assert encoded.cut is not None
    assert encoded.sufficient == 20


def test_answer_without_a_token_is_no_answer() -> None:
    with pytest.raises(RowFault, match="its answers hold no token"):
        fit([Example([1, 2], [-100, -100])], 10)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 8, 100])
@pytest.mark.parametrize("max_length", [2, 3, 4, 7, None])
def test_windows_teach_each_token_once(count: int, max_length: int | None) -> None:
    tokens = list(range(count))
    windows = list(split_into_windows(tokens, max_length))
    assert all(len(window.input_ids) <= (max_length or count) for window in windows)
    learned = [label for window in windows for label in window.labels[1:]]
    assert learned == tokens[1:]
    assert all(window.labels[1] != -100 for window in windows)
