"""The turns before a pair, in a column `history` of [question, answer] lists."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuner.shapes.conversation import text_message
from tuner.shapes.embedded import load_embedded
from tuner.shapes.faults import malformed
from tuner.shapes.message import ReadMessage


def read_history(values: Mapping[str, Any], column: str | None) -> tuple[ReadMessage, ...]:
    """The messages in `column`, none if it is null or empty. The model learns its answers, too.

    Raises:
        RowFault: MALFORMED.
    """
    value = values.get(column) if column else None
    turns = load_embedded(value, f"column {column}") if value else ()
    if not isinstance(turns, Sequence) or not all(_is_turn(turn) for turn in turns):
        raise malformed(f"column {column}", value, "it must be a list of [question, answer]")
    roles = ("user", "assistant")
    return tuple(
        text_message(role, text) for turn in turns for role, text in zip(roles, turn, strict=True)
    )


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, Sequence)
        and not isinstance(turn, str)
        and len(turn) == 2
        and all(isinstance(text, str) and text.strip() for text in turn)
    )
