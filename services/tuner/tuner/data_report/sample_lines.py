"""An example as lines: what the model sees, and which of it is learned."""

import unicodedata
from collections.abc import Iterable, Iterator

LEARNED, GIVEN = "+", " "
LINE_BREAK = "↵"
# Controls would move the terminal's cursor, invisible characters would deceive the reader.
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def sample_lines(pieces: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, str]]:
    """Mark and text of each line. A line ends at a line break, or where learning starts or ends."""
    for text, learned in pieces:
        mark = LEARNED if learned else GIVEN
        *lines, rest = text.split("\n")
        for line in lines:
            yield mark, visible(line) + LINE_BREAK
        if rest:
            yield mark, visible(rest)


def visible(text: str) -> str:
    """`text` with each character that prints nothing as its escape sequence."""
    return "".join(
        ascii(character)[1:-1] if unicodedata.category(character) in _HIDDEN else character
        for character in text
    )
