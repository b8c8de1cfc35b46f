"""What the reader of an example sees: every character, and which lines are learned."""

import pytest

from tuner.data_report.sample_lines import sample_lines, visible


def test_lines_end_at_breaks_and_where_learning_starts() -> None:
    pieces = [("<|user|>\nHi<|assistant|>", False), ("Hello\nyou<|end|>", True), ("\n", False)]
    assert list(sample_lines(pieces)) == [
        (" ", "<|user|>↵"),
        (" ", "Hi<|assistant|>"),
        ("+", "Hello↵"),
        ("+", "you<|end|>"),
        (" ", "↵"),
    ]


def test_nothing_gives_no_line() -> None:
    assert list(sample_lines([("", True)])) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ümläut, 漢字, 🙂", "plain text, ümläut, 漢字, 🙂"),
        ("<|im_start|>", "<|im_start|>"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb\tc", "a\\rb\\tc"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\x00", "\\x00"),
        ("\ufeffbom", "\\ufeffbom"),
        ("\u2028", "\\u2028"),
    ],
)
def test_characters_that_print_nothing_are_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
