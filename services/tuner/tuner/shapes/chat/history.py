"""The turns before a pair, in a column `history` of [question, answer] lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.rows.row import RowFault
from tuner.shapes.chat.conversation import text_message
from tuner.shapes.chat.message import ReadMessage
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.embedded import load_embedded
from tuner.shapes.values.faults import malformed

_NAME = "history"


@dataclass(frozen=True, slots=True)
class History:
    """`column` holds the turns; `is_late`: only rows after a file's first ones may have it."""

    column: str | None = None
    is_late: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,) if self.column and not self.is_late else ()

    def read(self, values: Mapping[str, Any]) -> tuple[ReadMessage, ...]:
        """The messages of the turns, none if there are no turns. The model learns their answers.

        Raises:
            RowFault: MALFORMED.
        """
        value = values.get(self.column) if self.column else None
        turns = _load(value, f"column {self.column}")
        roles = ("user", "assistant")
        return tuple(
            text_message(role, text)
            for turn in turns
            for role, text in zip(roles, turn, strict=True)
        )


NO_HISTORY = History()


def find_history(columns: Columns) -> History:
    """Where the turns before the pairs are."""
    column = columns.find(_NAME)
    if column is None:
        return History(_NAME, is_late=True)
    # In many files, a text of that name says something else, such as how a patient has been.
    return History(column) if all(map(_is_list, columns.values(column))) else NO_HISTORY


def _load(value: Any, where: str) -> Sequence[Any]:
    is_blank = not value or (isinstance(value, str) and not value.strip())
    turns = () if is_blank else load_embedded(value, where)
    if not isinstance(turns, Sequence) or not all(_is_turn(turn) for turn in turns):
        raise malformed(where, value, "it must be a list of [question, answer]")
    return turns


def _is_list(value: Any) -> bool:
    """True if `value` is a list, or text of one, or blank."""
    if isinstance(value, str):
        if not value.strip():
            return True
        try:
            value = load_embedded(value, "")
        except RowFault:
            return False
    return isinstance(value, list)


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, Sequence)
        and not isinstance(turn, str)
        and len(turn) == 2
        and all(isinstance(text, str) and text.strip() for text in turn)
    )
