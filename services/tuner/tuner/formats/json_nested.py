"""Rows that one JSON object holds: as a list, as columns, or by key."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from tuner.formats.json_text import JsonText
from tuner.formats.label import FileLabel

logger = logging.getLogger(__name__)
# Lists of objects that are a part of one row, or describe the columns.
ROW_KEYS = frozenset(
    "messages conversations conversation prompt completion chosen rejected tools functions "
    "documents history dialog dialogue turns features".split()
)
# Lists of rows that are kept for evaluation, so they are not for training.
EVALUATION_KEYS = frozenset("test validation valid val eval evaluation dev".split())

# The longest list that is held in memory where an object is too long for that.
LONGEST_LIST = 1_000


def rows_within(source: JsonText, members: Iterable[tuple[str, Any]]) -> Iterator[Any]:
    """The rows that the object with `members` holds, or the object itself if it is a row.

    A value is a list, or, where the object is too long for that, an iterator over its elements.
    """
    others: dict[str, Any] = {}
    rows_key: str | None = None
    rows = 0
    for key, value in members:
        if isinstance(value, Iterator):
            value = _listed(key, value, source.label)
        elements = _elements_if_rows(key, value)
        if elements is None:
            others[key] = value
        elif key.lower() in EVALUATION_KEYS:
            count = sum(1 for _ in elements)
            logger.warning("%s: the %d rows of %r are left out", source.label, count, key)
        elif rows_key is not None:
            raise source.label.fault(
                f"holds several lists of rows, {rows_key!r} and {key!r}",
                "keep one of them, or write each into a file of its own",
            )
        else:
            rows_key = key
            for element in elements:
                rows += 1
                yield _unwrapped(element)
    if rows_key is None:
        yield from _rows_without_list(others)
    for key, value in others.items():
        if isinstance(value, list) and len(value) == rows > 1:
            raise source.label.fault(
                f"holds two lists of {rows}, {rows_key!r} and {key!r}, which may be rows and a "
                "list beside them, or columns",
                "write each row as an object of its own",
            )


def _listed(key: str, elements: Iterator[Any], label: FileLabel) -> Iterator[Any] | list[Any]:
    """`elements` again if they are rows; otherwise a short list, such as names or versions."""
    first = list(islice(elements, 1))
    if first and _is_row(first[0]):
        return chain(first, elements)
    first += islice(elements, LONGEST_LIST)
    if next(elements, None) is not None:
        raise label.fault(
            f"is one large JSON object with a list, {key!r}, that is not a list of rows",
            "write one JSON object per line, for each row",
        )
    return first


def _elements_if_rows(key: str, value: Any) -> Iterator[Any] | None:
    """The elements of `value` if it is a list of rows."""
    if isinstance(value, list):
        is_rows = bool(value) and _is_row(value[0]) and key not in ROW_KEYS
        return iter(value) if is_rows else None
    return value if isinstance(value, Iterator) else None


def _is_row(element: Any) -> bool:
    if not isinstance(element, Mapping):
        return False
    is_message = {"role", "from"} & element.keys() and {"content", "value"} & element.keys()
    return not is_message


def _unwrapped(row: Any) -> Any:
    """The row itself where the hub's API for rows puts it into an object with its index."""
    return row["row"] if isinstance(row, Mapping) and {"row_idx", "row"} <= row.keys() else row


def _rows_without_list(value: dict[str, Any]) -> Iterator[Any]:
    values = list(value.values())
    if _are_lists_of_cells(values):
        for cells in zip(*values, strict=True):
            yield dict(zip(value, cells, strict=True))
    elif not values or not all(isinstance(item, Mapping) for item in values):
        yield value
    elif _are_columns(values):
        for index in values[0]:
            yield {name: column[index] for name, column in value.items()}
    elif len(values) == 1:
        yield from _rows_without_list(values[0])
    else:
        yield from values


def _are_lists_of_cells(values: list[Any]) -> bool:
    """True for columns as Python and `datasets` write them: {"column": [value, value]}."""
    lists = [column for column in values if isinstance(column, list) and len(column) > 1]
    is_table = bool(lists) and len(lists) == len(values) and len({len(x) for x in lists}) == 1
    # A list of messages is one cell.
    return is_table and not any(isinstance(column[0], Mapping) for column in lists)


def _are_columns(values: list[Mapping[str, Any]]) -> bool:
    """True for columns as pandas writes them by default: {"column": {"0": value, "1": value}}."""
    indices = values[0].keys()
    return (
        bool(indices)
        and all(index.isdigit() for index in indices)
        and all(column.keys() == indices for column in values)
        # Rows by key have objects where columns have cells.
        and not isinstance(values[0][min(indices)], Mapping)
    )
