"""Rows of JSON: objects on lines or one after the other, an array, or rows within an object."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.formats.json_nested import ROW_KEYS, rows_within
from tuner.formats.json_text import JsonText
from tuner.formats.json_value import EXTRA_DATA, JsonFault, decode_only
from tuner.formats.label import excerpt
from tuner.formats.text_stream import TextStream
from tuner.rows.row import Row

# An object that is longer is not a row, but holds rows.
LONGEST_OBJECT = 8 * 2**20


def read_json_lines(text: TextStream) -> Iterator[Row]:
    """One object on each line; blank lines are skipped."""
    label = text.label
    for number, line in enumerate(text.lines(), 1):
        if line.isspace():
            continue
        try:
            value = decode_only(line)
        except JsonFault as fault:
            is_cut = fault.is_cut and not line.endswith("\n")
            raise label.fault(
                f"is not JSON at line {number}, column {fault.position + 1}: {fault.problem}"
                + (", where the file ends in the middle of the line" if is_cut else "")
                + f"; the line begins with {excerpt(line)}",
                "write one JSON object per line",
            ) from None
        yield _row(text, number, value, f"line {number}")


def read_json(text: TextStream) -> Iterator[Row]:
    """An array of objects, objects one after the other, or one object that holds the rows."""
    source = JsonText(text.chunks(), text.label)
    if source.take("["):
        values = _array(source)
    elif source.peek() == "{":
        values = _objects(source)
    else:
        raise source.fault("expecting '[' or '{'")
    for number, value in enumerate(values, 1):
        yield _row(text, number, value, f"row {number}")
    if source.peek():
        raise source.fault(EXTRA_DATA)


def _row(text: TextStream, number: int, value: Any, where: str) -> Row:
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, Mapping):
        raise text.label.fault(
            f"has at {where} not an object but {value!r:.60}",
            'write each row as an object: {"column": value}',
        )
    return Row(text.label.name, number, value)


def _array(source: JsonText) -> Iterator[Any]:
    """The elements of the array whose "[" has been read."""
    if source.take("]"):
        return
    while True:
        yield source.value()
        if source.expect(",", "]") == "]":
            return
        if source.peek() == "]":
            raise source.fault("a comma comes before ']'")


def _objects(source: JsonText) -> Iterator[Any]:
    """Objects one after the other; a single one may hold the rows."""
    first = source.value_within(LONGEST_OBJECT)
    if first is None:
        yield from rows_within(source, _members(source))
    elif not source.peek():
        yield from rows_within(source, first[0].items())
    else:
        yield first[0]
        while source.peek():
            yield source.value()


def _members(source: JsonText) -> Iterator[tuple[str, Any]]:
    """The members of the object that comes next; arrays of rows are iterators."""
    source.expect("{")
    while True:
        key = source.key()
        if key not in ROW_KEYS and source.take("["):
            yield key, _array(source)
        else:
            yield key, source.value()
        if source.expect(",", "}") == "}":
            return
