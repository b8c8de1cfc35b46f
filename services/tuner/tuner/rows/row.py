"""One row of a data file, and why a row cannot be trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """`file` is relative to the data directory, and "ARCHIVE/MEMBER" within an archive.

    `number` counts from 1: the line in formats of lines, else the row.
    """

    file: str
    number: int
    values: Mapping[str, Any]


class LossCause(StrEnum):
    """Why a row is dropped, or cut, in words for the user."""

    MALFORMED = "malformed"
    EMPTY = "empty"
    # Of a text without question and answer. It separates paragraphs, and is no loss.
    BLANK = "blank"
    NO_ANSWER = "no answer to learn from"
    # Of two answers, one of which is preferred.
    SAME_ANSWERS = "chosen and rejected are the same"
    TEMPLATE = "refused by the chat template"
    PROMPT_TOO_LONG = "prompt too long"
    CUT = "cut to max_length"


class RowFault(Exception):
    """A row that cannot be used: `cause`, and the detail that the user needs to find it."""

    def __init__(self, cause: LossCause, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail
