"""Shortens examples for a report: their beginning and end tell most."""

from collections.abc import Iterable

# An example on one screen; the whole report stays small enough to be stored and sent.
HEAD, TAIL = 400, 200
MAX_PIECES = 12
SAMPLES = 3

# Stands between the two answers of a pair.
REJECTED = ("\nrejected in its favor:\n", False)

Pieces = tuple[tuple[str, bool], ...]


def shorten_pieces(pieces: Iterable[tuple[str, bool]]) -> Pieces:
    """`pieces` of text, each learned or not, with the middle of long ones left out."""
    shortened = [(_shorten(text), learned) for text, learned in pieces if text]
    left_out = len(shortened) - MAX_PIECES
    if left_out <= 0:
        return tuple(shortened)
    half = MAX_PIECES // 2
    return (*shortened[:half], (f"\n… {left_out} parts …\n", False), *shortened[-half:])


def _shorten(text: str) -> str:
    left_out = len(text) - HEAD - TAIL
    if left_out <= 0:
        return text
    return f"{text[:HEAD]}\n… {left_out:,} characters …\n{text[-TAIL:]}"
