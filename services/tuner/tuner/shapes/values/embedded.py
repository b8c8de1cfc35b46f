"""Lists and objects that are kept as text, as in CSV files and in columns of JSON."""

import ast
import json
import warnings
from collections.abc import Mapping
from typing import Any

from tuner.shapes.values.faults import malformed


def load_embedded(value: Any, where: str, expected: str = "it must be JSON") -> Any:
    """`value`, or what it holds if it is text: JSON, or a Python literal as pandas writes it.

    Raises:
        RowFault: MALFORMED, it is text and neither.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, strict=False)
    except (ValueError, RecursionError) as error:
        problem = error
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise malformed(where, value, f"{expected} ({problem})") from None


def as_json(value: Any) -> Any:
    """`value` as JSON has it: times and the like as text, and objects without keys that are null.

    Columns of a typed table give every object the keys of all: those that it lacked are null.
    """
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value if isinstance(value, str | int | float | None) else str(value)
