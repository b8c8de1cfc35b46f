"""Reads texts out of the values of a row."""

import math
from collections.abc import Mapping
from typing import Any

from tuner.shapes.faults import empty, malformed


def as_text(value: Any) -> str | None:
    """`value` as text: null and NaN are "", numbers and booleans as in JSON; None if it is none."""
    if isinstance(value, str):
        return value
    # pandas writes a missing text as NaN.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def read_optional(values: Mapping[str, Any], column: str | None) -> str:
    """The text in `column`; "" if it is null or blank, or if there is no such column.

    Raises:
        RowFault: MALFORMED, it is something else.
    """
    value = values.get(column) if column else None
    text = as_text(value)
    if text is None:
        raise malformed(f"column {column}", value, "it must be text")
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
