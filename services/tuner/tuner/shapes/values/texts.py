"""Reads texts out of the values of a row."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tuner.shapes.values.faults import empty, malformed


def is_null(value: Any) -> bool:
    """True for null, and for NaN, as which pandas writes a missing text."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def to_text(value: Any, where: str) -> str:
    """`value` as text: "" for null; numbers and booleans as in JSON; bytes as UTF-8.

    Raises:
        RowFault: MALFORMED, it is something else.
    """
    if isinstance(value, str):
        return value
    if is_null(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise malformed(where, value, "it must be text in UTF-8") from None
    raise malformed(where, value, "it must be text")


def read_optional(values: Mapping[str, Any], column: str | None) -> str:
    """The text in `column`; "" if it is null or blank, or if there is no such column.

    Raises:
        RowFault: MALFORMED, it is something else.
    """
    value = values.get(column) if column else None
    if isinstance(value, Mapping) and value:
        key = next(iter(value))
        raise malformed(
            f"column {column}",
            value,
            f"it must be text; to take a key of it, use a template with {{{column}.{key}}}",
        )
    text = to_text(value, f"column {column}")
    return text if text.strip() else ""


def read_required(values: Mapping[str, Any], column: str) -> str:
    """The text in `column`.

    Raises:
        RowFault: EMPTY or MALFORMED.
    """
    text = read_optional(values, column)
    if not text:
        raise empty(f"column {column}", values.get(column))
    return text


def join_paragraphs(*texts: str) -> str:
    """The texts that are not empty, with a blank line between them."""
    return "\n\n".join(text for text in texts if text)
