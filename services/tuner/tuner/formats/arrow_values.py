"""Values of Arrow columns as plain Python values: what JSON can express."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from tuner.formats.label import FileLabel


class NotText(Exception):
    """A column holds bytes that are not UTF-8, such as images."""


def plain_values(column: Any, name: str, label: FileLabel) -> list[Any]:
    """The values of the Arrow array `column`.

    Times are in ISO 8601, decimals are text, bytes are text if they are UTF-8, and NaN is a missing
    value, as pandas writes it.

    Raises:
        NotText: there are bytes that are not UTF-8.
        RunError: DATA_UNREADABLE.
    """
    try:
        values: list[Any] = column.to_pylist(maps_as_pydicts="strict")
        return values if _is_plain(column.type) else [_plain(value) for value in values]
    except (pa.ArrowException, ValueError, KeyError, OverflowError) as error:
        raise label.fault(
            f"has a value in column {name} (Arrow type {column.type}) that cannot be read: {error}",
            "leave the column out, or write it as text",
        ) from error


def _is_plain(kind: Any) -> bool:
    types = pa.types
    if types.is_struct(kind):
        return all(_is_plain(kind.field(index).type) for index in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    plain = (types.is_string, types.is_large_string, types.is_integer, types.is_boolean)
    return any(is_kind(kind) for is_kind in plain)


def _plain(value: Any) -> Any:
    match value:
        case float():
            return None if math.isnan(value) else value
        case None | int() | str():
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return _text(value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case Sequence() if not isinstance(value, tuple):
            return [_plain(item) for item in value]
        case _:
            # Decimals, UUIDs, intervals of months and days.
            return str(value)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise NotText from error
