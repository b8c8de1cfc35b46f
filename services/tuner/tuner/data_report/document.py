"""The parts that a report is made of, before it is rendered as text or Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`numeric` is the index of the first column that is aligned to the right."""

    heading: Cells
    rows: Sequence[Cells]
    numeric: int


@dataclass(frozen=True, slots=True)
class LabeledValues:
    """Labels with their values."""

    values: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines that follow a sentence."""

    introduction: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of data, shown as they are, each with a mark of one character before it."""

    caption: str
    lines: Sequence[tuple[str, str]]


Part = Table | LabeledValues | Listing | Block


@dataclass(frozen=True, slots=True)
class Section:
    """A title with its parts."""

    title: str
    parts: Sequence[Part]
