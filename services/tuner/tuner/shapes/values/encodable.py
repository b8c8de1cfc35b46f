r"""Refuses what no tokenizer takes: halves of surrogate pairs, as in the JSON text "\ud83d"."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from tuner.rows.record import Preference, Record
from tuner.rows.row import LossCause, RowFault


def check_encodable(record: Record, columns: tuple[str, ...]) -> None:
    """Check the texts of `record`, which were read from `columns`.

    Raises:
        RowFault: MALFORMED, a text cannot be written as UTF-8.
    """
    if isinstance(record, Preference):
        check_encodable(record.chosen, columns)
        check_encodable(record.rejected, columns)
        return
    for field in fields(record):
        for text in _texts(getattr(record, field.name)):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                half = ascii(text[error.start : error.end])
                raise RowFault(
                    LossCause.MALFORMED,
                    f"column {' or '.join(columns)} holds {half}, which is half of a character; it "
                    "must be text that can be written as UTF-8",
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
