"""How far two texts agree."""

import pytest

from tuner.examples.common_prefix import common_prefix_length, common_text_length

TEXTS = ["", "a", "b", "ab", "aba", "abab", "ababab🙂", "ababab🚀", "x" * 1000, "x" * 999 + "y"]


@pytest.mark.parametrize("one", TEXTS)
@pytest.mark.parametrize("other", TEXTS)
def test_texts_agree_as_far_as_their_characters_do(one: str, other: str) -> None:
    assert common_text_length(one, other) == common_prefix_length(one, other)
