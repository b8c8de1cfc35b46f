r"""Refuses what no tokenizer takes: halves of surrogate pairs, as in the JSON text "\ud83d"."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tuner.data.record import Record
from tuner.data.row import LossCause, Row, RowFault
from tuner.shapes.shape import Shape


@dataclass(frozen=True, slots=True)
class EncodableShape:
    """Another `shape`, whose records are checked."""

    shape: Shape

    @property
    def name(self) -> str:
        """The shape's name in reports."""
        return self.shape.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.shape.columns

    def to_record(self, row: Row) -> Record:
        """What `row` teaches.

        Raises:
            RowFault: any of the shape's, or MALFORMED.
        """
        record = self.shape.to_record(row)
        for field in fields(record):
            for text in _texts(getattr(record, field.name)):
                self._check(text)
        return record

    def _check(self, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = ascii(text[error.start : error.end])
            raise RowFault(
                LossCause.MALFORMED,
                f"column {' or '.join(self.columns)} holds {half}, which is half of a character; "
                "it must be text that can be written as UTF-8",
            ) from None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
